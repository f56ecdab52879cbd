"""Who shall do it and how it moves: tasks, bindings, handoffs, retirements."""

import phoenix_runtime  # noqa: F401  # first: it says how grpc is to be imported
