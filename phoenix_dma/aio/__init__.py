"""The asynchronous SDK; `phoenix_dma.PhoenixClient` is its synchronous face."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient
    from phoenix_dma.aio.task import AsyncTask

__all__ = ["AsyncPhoenixClient", "AsyncTask"]

# Imported on first access: `phoenix_dma.task` stands on `aio.task`, and the client on both, so that
# whoever imported a Task before anything else would meet itself.
_HOMES: Final = {"AsyncPhoenixClient": "client", "AsyncTask": "task"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'phoenix_dma.aio' has no attribute {name!r}")
    return getattr(import_module(f"phoenix_dma.aio.{_HOMES[name]}"), name)
