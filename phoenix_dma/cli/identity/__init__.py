"""The commands about who may be whom."""
