"""gRPC servicers and conversions between the wire and the domain."""
