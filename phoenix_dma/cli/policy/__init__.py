"""The commands about the words and rules that decide."""
