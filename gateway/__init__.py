"""One address for clients: gRPC pass-through, the paper's REST surface, aggregated calls."""

import phoenix_runtime  # noqa: F401  # first: it sets how grpc is imported
