"""Translates between protobuf messages and use cases."""
