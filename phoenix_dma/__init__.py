"""Phoenix DMA: the public Python package.

`PhoenixClient` (synchronous) and `phoenix_dma.aio.AsyncPhoenixClient` register a participant, give
it tasks and keep it present; `load_context` reads a context by its address. The contract's messages
are in ``phoenix_dma.v1``, exceptions in `phoenix_dma.errors`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient
    from phoenix_dma.aio.participant import Leaving
    from phoenix_dma.aio.task import AsyncTask
    from phoenix_dma.client import PhoenixClient
    from phoenix_dma.context import Context
    from phoenix_dma.current import load_context
    from phoenix_dma.errors import (
        ApprovalRejected,
        ApprovalRequired,
        AssignmentLost,
        EffectHappened,
        EffectUnknown,
        HandOff,
        InvalidInput,
        NotJson,
        PhoenixError,
        PolicyDenied,
        TaskFailure,
    )
    from phoenix_dma.profile import Profile
    from phoenix_dma.task import Task

# Read by grpc when it is first imported. Its handlers around a fork start threads in the child,
# which crash it there; a forked child uses no connection anyway (`phoenix_dma.forks`).
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

__all__ = [
    "ApprovalRejected",
    "ApprovalRequired",
    "AssignmentLost",
    "AsyncPhoenixClient",
    "AsyncTask",
    "Context",
    "EffectHappened",
    "EffectUnknown",
    "HandOff",
    "InvalidInput",
    "Leaving",
    "NotJson",
    "PhoenixClient",
    "PhoenixError",
    "PolicyDenied",
    "Profile",
    "Task",
    "TaskFailure",
    "load_context",
]

# Imported on first access: the services need `phoenix_dma.v1` and `phoenix_dma.wire` alone.
_HOMES: Final = {
    "ApprovalRejected": "errors",
    "ApprovalRequired": "errors",
    "AssignmentLost": "errors",
    "AsyncPhoenixClient": "aio.client",
    "AsyncTask": "aio.task",
    "Context": "context",
    "EffectHappened": "errors",
    "EffectUnknown": "errors",
    "HandOff": "errors",
    "InvalidInput": "errors",
    "Leaving": "aio.participant",
    "NotJson": "errors",
    "PhoenixClient": "client",
    "PhoenixError": "errors",
    "PolicyDenied": "errors",
    "Profile": "profile",
    "Task": "task",
    "TaskFailure": "errors",
    "load_context": "current",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'phoenix_dma' has no attribute {name!r}")
    return getattr(import_module(f"phoenix_dma.{_HOMES[name]}"), name)
