"""Stops a graph whose task is lost, or whose participant is leaving, before its next step."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langgraph.runtime import RunControl

from phoenix_dma.adapters.bound_task import BoundTask


class LeaseGuard(BaseCallbackHandler):
    """Looks at the task's lease before every node, tool and model call of a run.

    Raises `AssignmentLost` where the task is lost. Where the participant is leaving, the graph
    ends after the superstep that runs, with its checkpoint recorded.
    """

    raise_error = True
    """An error of this handler ends the run: otherwise it would be logged, and the node run."""
    run_inline = True
    """Before the node, and not beside it."""

    def __init__(self, task: BoundTask, control: RunControl) -> None:
        self._task = task
        self._control = control
        task.lease.on_lost(lambda: control.request_drain("the task is lost"))

    def on_chain_start(self, *_: Any, **__: Any) -> None:
        """Before a graph, a node, or what a node calls."""
        self._look()

    def on_tool_start(self, *_: Any, **__: Any) -> None:
        """Before a tool."""
        self._look()

    def on_llm_start(self, *_: Any, **__: Any) -> None:
        """Before a model is called."""
        self._look()

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        """Before a chat model is called."""
        self._look()

    def _look(self) -> None:
        self._task.lease.require()
        if self._task.lease.draining.is_set():
            self._control.request_drain("the participant is leaving")
