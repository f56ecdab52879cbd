"""The registry's tables, repositories and migrations."""
