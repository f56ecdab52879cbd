"""The task of the running handler, for `load_context`, which is called without a task."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from phoenix_dma.context import Context


class ContextLoader(Protocol):
    """A task or a client, which reads contexts by their address."""

    def load_context(self, context_ref: str) -> Context:
        """The context at the address."""


RUNNING: ContextVar[ContextLoader | None] = ContextVar("phoenix_dma_running", default=None)
"""Set while a synchronous handler runs, in its thread."""

CLIENTS: list[ContextLoader] = []
"""The clients of this process that are open, oldest first."""


def load_context(context_ref: str) -> Context:
    """The context at a ``phoenix://`` address: a task's newest one, or its submitted input.

    Inside a handler it reads as the handler's participant, otherwise as the newest open client.
    Raises RuntimeError where there is neither, and the runtime's refusal where it may not be read.
    """
    loader = RUNNING.get() or (CLIENTS[-1] if CLIENTS else None)
    if loader is None:
        raise RuntimeError("load_context needs an open PhoenixClient")
    return loader.load_context(context_ref)
