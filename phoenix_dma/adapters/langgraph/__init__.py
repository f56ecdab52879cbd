"""LangGraph on Phoenix tasks: a graph's state is the task's, its effects are authorised.

::

    @client.task_handler(capability="customer_validation")
    def review(task):
        graph = builder.compile(checkpointer=PhoenixCheckpointer(task))
        return run_graph(graph, task, {"records": task.input["records"]})

`PhoenixCheckpointer` records under the task's epoch, `run_graph` resumes and asks humans,
`approve` and `tool_guard` ask policy before an effect. docs/frameworks/langgraph.md has it all.
"""

from __future__ import annotations

try:
    import langgraph.checkpoint.base  # noqa: F401
except ModuleNotFoundError:
    raise ImportError(
        'phoenix_dma.adapters.langgraph needs LangGraph: pip install "phoenix-dma[langgraph]"'
    ) from None

from phoenix_dma.adapters.artifacts import ArtifactStore, FolderArtifacts
from phoenix_dma.adapters.bound_task import bound
from phoenix_dma.adapters.langgraph.approving import aapprove, approve, effect, tool_guard
from phoenix_dma.adapters.langgraph.checkpointer import PhoenixCheckpointer
from phoenix_dma.adapters.langgraph.conversation import (
    ainherited_messages,
    conversation,
    inherited_messages,
)
from phoenix_dma.adapters.langgraph.interrupts import NobodyAsked, Questions
from phoenix_dma.adapters.langgraph.running import arun_graph, run_graph

__all__ = [
    "ArtifactStore",
    "FolderArtifacts",
    "NobodyAsked",
    "PhoenixCheckpointer",
    "Questions",
    "aapprove",
    "ainherited_messages",
    "approve",
    "arun_graph",
    "bound",
    "conversation",
    "effect",
    "inherited_messages",
    "run_graph",
    "tool_guard",
]
