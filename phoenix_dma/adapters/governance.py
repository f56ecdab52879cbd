"""Asks policy before a tool runs, inside the agent's process, so that no agent skips it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from phoenix_dma.adapters.task_calls import TaskCalls
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.briefing import Authorization
from phoenix_dma.errors import PolicyDenied
from phoenix_dma.task import Task
from phoenix_dma.v1 import assignment_pb2
from phoenix_dma.wire.conversions import number


@dataclass(frozen=True, slots=True)
class ToolAction:
    """What a call of a tool is to policy.

    ``kind`` is tool_invocation, data_read, data_mutation or final_action; ``domain`` the data that
    it touches: where it is empty, all of the task's. ``name`` is what policy calls it, the tool's
    own name where it is empty. Raises ValueError for another kind.
    """

    kind: str = "tool_invocation"
    domain: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        number(assignment_pb2.ActionKind, self.kind or "none")


ANY_TOOL: Final = ToolAction()
"""What a tool is that nobody said anything about: it may touch every domain of the task."""
Tools = Mapping[str, ToolAction]
"""What the tools are to policy, by their names."""


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """Policy or a human said no; ``str`` is what the model is told in place of a result."""

    tool: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.tool} was not executed: {self.text.rstrip('.')}. {self.remedy}".rstrip()


class ToolGovernance:
    """Asks policy whether a tool may run with its arguments; each adapter asks before each tool.

    Where a human has to approve the arguments, it waits for the decision. What is neither a yes
    nor a no (the runtime is away, the task is lost) is raised, and the tool must not run then. The
    first of these is kept in ``stopped``, and every later question raises it again, so that a
    framework that makes a tool's result of an exception does not go on to the next tool.
    """

    def __init__(self, task: Task | AsyncTask, tools: Tools | None = None) -> None:
        self.calls = TaskCalls(task)
        self.stopped: Exception | None = None
        self._tools = dict(tools or {})

    async def ask(self, tool: str, arguments: Mapping[str, Any]) -> Authorization | NotExecuted:
        """Ask before ``tool`` runs with ``arguments``, which is what a human is shown.

        Raises `AssignmentLost` where the task is not held any more, `NotJson` for arguments that
        have no form in JSON, and whatever else kept policy from answering.
        """
        self.require()
        action = self._tools.get(tool, ANY_TOOL)
        try:
            return await self.calls.authorize(
                action.kind,
                action.name or tool,
                domain=action.domain,
                subject=arguments,
                wait=True,
            )
        except PolicyDenied as denied:
            return NotExecuted(tool, denied.text, denied.remedy)
        except Exception as error:
            self.stopped = error
            raise

    def require(self) -> None:
        """Raise what stopped the run, if something has."""
        if self.stopped is not None:
            raise self.stopped
