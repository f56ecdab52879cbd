"""The stages around every call; the same for all four kinds of RPC."""
