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

from phoenix_dma.adapters.extras import require_extra

require_extra("langgraph.checkpoint.base", "langgraph")

from phoenix_dma.adapters.artifacts import ArtifactStore, FolderArtifacts  # noqa: E402
from phoenix_dma.adapters.bound_task import bound  # noqa: E402
from phoenix_dma.adapters.langgraph.approving import aapprove, approve, effect, tool_guard  # noqa: E402
from phoenix_dma.adapters.langgraph.checkpointer import PhoenixCheckpointer  # noqa: E402
from phoenix_dma.adapters.langgraph.conversation import (  # noqa: E402
    ainherited_messages,
    conversation,
    inherited_messages,
)
from phoenix_dma.adapters.langgraph.interrupts import NobodyAsked, Questions  # noqa: E402
from phoenix_dma.adapters.langgraph.running import arun_graph, run_graph  # noqa: E402

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
