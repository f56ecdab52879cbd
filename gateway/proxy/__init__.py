"""The gRPC port: every service of the runtime at one address, bytes passed through undecoded."""
