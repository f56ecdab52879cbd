"""What use cases do inside one unit, and what they ask before it."""
