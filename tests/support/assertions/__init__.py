"""Reads what a test asserts about."""
