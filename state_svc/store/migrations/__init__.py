"""Schema changes of the state service, run by its owner role."""
