"""What a task asks leave for, and what it does outside."""
