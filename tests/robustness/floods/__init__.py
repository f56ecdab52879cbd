"""A tenant that asks and asks, by every way there is."""
