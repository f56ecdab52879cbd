"""Appends to the audit ledger and reads it."""
