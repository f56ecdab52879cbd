"""Pure rules of governance, and the ports that its use cases need."""
