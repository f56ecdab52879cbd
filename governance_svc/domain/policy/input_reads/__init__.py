"""Finds out what the rules of a bundle read of their input, from their syntax trees."""
