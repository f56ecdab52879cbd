"""The pure vocabulary of the runtime: no I/O, no gRPC, no clock of its own."""
