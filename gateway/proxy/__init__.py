"""The gRPC port: every service of the runtime at one address, forwarded without decoding."""
