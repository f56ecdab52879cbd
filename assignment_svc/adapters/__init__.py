"""Implements the domain's ports over other services."""
