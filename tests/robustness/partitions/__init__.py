"""Calls that have to pass a link between two parts, and what becomes of them when it breaks."""
