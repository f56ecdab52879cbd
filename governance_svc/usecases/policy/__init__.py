"""Loads, evaluates and explains policy."""
