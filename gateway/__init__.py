"""One address for clients: gRPC pass-through, the paper's REST surface, gathered views."""

import phoenix_runtime  # noqa: F401  # first: it says how grpc is to be imported
