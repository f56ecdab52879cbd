"""Stops a graph whose task is lost, or whose participant is leaving, before its next step."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langgraph.runtime import RunControl

from phoenix_dma.aio.work.task_lease import TaskLease


class LeaseControl(RunControl):
    """Ends a run after the superstep that runs, once its task is lost or is to be handed off.

    LangGraph asks before each superstep, when the one before it is recorded.
    """

    __slots__ = ("_lease",)

    def __init__(self, lease: TaskLease) -> None:
        super().__init__()
        self._lease = lease

    @property
    def drain_requested(self) -> bool:
        """Whether no further superstep begins."""
        return self.drain_reason is not None

    @property
    def drain_reason(self) -> str | None:
        """Why; None while the run goes on."""
        if self._lease.lost:
            return "the task is lost"
        return "the participant is leaving" if self._lease.draining.is_set() else None


class LeaseGuard(BaseCallbackHandler):
    """Looks at the task's lease before every node, tool and model call of a run.

    Raises `AssignmentLost` where the task is lost.
    """

    raise_error = True
    """An error of this handler ends the run: otherwise it would be logged, and the node run."""
    run_inline = True
    """Before the node, and not beside it."""

    def __init__(self, lease: TaskLease) -> None:
        self._lease = lease

    def on_chain_start(self, *_: Any, **__: Any) -> None:
        """Before a graph, a node, or what a node calls."""
        self._lease.require()

    def on_tool_start(self, *_: Any, **__: Any) -> None:
        """Before a tool."""
        self._lease.require()

    def on_llm_start(self, *_: Any, **__: Any) -> None:
        """Before a model is called."""
        self._lease.require()

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        """Before a chat model is called."""
        self._lease.require()
