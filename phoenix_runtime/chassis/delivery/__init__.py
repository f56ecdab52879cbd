"""Delivery of committed rows: to the ledger, to the bus, to participants; and reading the bus."""
