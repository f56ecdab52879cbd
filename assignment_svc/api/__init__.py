"""Servicers and conversions: wire in, wire out."""
