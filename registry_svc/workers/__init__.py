"""Night shift: loops around use cases."""
