"""The task that the running handler works on, for what has no task at hand: `load_context`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from phoenix_dma.context import Context


class Loads(Protocol):
    """Something that can read a context by its address: a task, or a client."""

    def load_context(self, context_ref: str) -> Context:
        """What is at the address."""


RUNNING: ContextVar[Loads | None] = ContextVar("phoenix_dma_running", default=None)
"""Set while a synchronous handler runs, in its thread."""

CLIENTS: list[Loads] = []
"""The clients of this process that are open, oldest first."""


def load_context(context_ref: str) -> Context:
    """The context at a ``phoenix://`` address: a task's newest one, or its submitted input.

    Inside a handler it reads as the handler's participant, otherwise as the newest open client.
    Raises RuntimeError where there is neither, and the house's refusal where it may not be read.
    """
    loads = RUNNING.get() or (CLIENTS[-1] if CLIENTS else None)
    if loads is None:
        raise RuntimeError("load_context needs an open PhoenixClient")
    return loads.load_context(context_ref)
