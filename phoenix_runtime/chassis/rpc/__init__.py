"""gRPC: how a call is served (stages, conversions, statuses), and calls to other services."""
