"""Calls that gather from several services, in parallel, with partial answers marked."""
