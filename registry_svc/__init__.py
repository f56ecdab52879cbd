"""Who is here and who can do what: participants, capabilities, sessions, leases."""

import phoenix_runtime  # noqa: F401  # first: it says how grpc is to be imported
