"""What a task carries: context documents, artifacts, references."""

import phoenix_runtime  # noqa: F401  # first: it says how grpc is to be imported
