"""Background workers: loops around use cases."""
