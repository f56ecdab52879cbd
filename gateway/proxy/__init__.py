"""The gRPC port: every service of the house at one address, bytes passed through undecoded."""
