"""Schema changes of governance."""
