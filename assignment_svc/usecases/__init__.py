"""Desk: one file per verb."""
