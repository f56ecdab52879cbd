"""Front door: wire in, wire out."""
