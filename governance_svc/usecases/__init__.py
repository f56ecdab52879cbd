"""Use cases: one module for each verb, in packages by subject."""
