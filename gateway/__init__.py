"""One address for clients: gRPC pass-through, the paper's REST surface, gathered views."""
