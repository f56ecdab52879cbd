"""Tables, repositories and migrations of governance."""
