"""The parts that every service of the runtime shares: core vocabulary, chassis, local runtime."""

import os

# gRPC reads this once, when it is first imported. Its fork handlers start threads in the child,
# which may crash there before it has executed another program: policy engines died at start now
# and then. No service uses gRPC in a forked child.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
