"""Pure rules of the registry, and the ports that its use cases need."""
