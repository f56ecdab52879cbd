"""What every service of the runtime stands on."""

import os

# Read once, when grpc is first imported. Its handlers around a fork start threads in the child,
# which may crash there before it has become another program: policy engines were dead at birth
# now and then. Nobody here forks to go on with gRPC.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
