"""Use cases on credentials of the local issuer."""
