"""The use cases of the registry, one module per verb, in packages by subject."""
