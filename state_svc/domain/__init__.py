"""Library: pure rules and the ports that they need."""
