"""The use cases of the state service, one module each."""
