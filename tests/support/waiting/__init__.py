"""Waits for events, and holds up what a test has to meet halfway."""
