"""Waiting: wake-ups for whoever rests, rounds for who asks at the same time."""
