"""Very many clients on a few connections, and what is measured of them and of the runtime."""
