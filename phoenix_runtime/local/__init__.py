"""The whole runtime on one machine."""
