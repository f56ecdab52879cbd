"""Calls that ask several services concurrently and mark what is missing from the answer."""
