"""What tasks ask leave for, and what they do outside."""
