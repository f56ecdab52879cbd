"""The registry's servicers and conversions: wire in, wire out."""
