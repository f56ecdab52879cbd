"""Asking to act, and effects outside the runtime: one module a verb."""
