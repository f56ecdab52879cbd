"""The registry service: participants, the capability graph, sessions, leases, directives."""

import phoenix_runtime  # noqa: F401  # first: it sets how grpc is imported
