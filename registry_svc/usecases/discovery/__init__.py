"""Use cases of discovery and the capability graph."""
