"""What every framework's agent program shares: its tools, its script, and what it writes down.

A program runs in the framework's own environment, against a runtime that is elsewhere:
``python -m tests.frameworks.<framework>.agent <participant> <folder> sync|async``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from phoenix_dma import AsyncTask, PhoenixClient, Task
from phoenix_dma.adapters.governance import ToolAction
from phoenix_dma.errors import AssignmentLost

DOMAIN: Final = "customer_master"
TOOLS: Final[Mapping[str, ToolAction]] = {
    "look_up": ToolAction("data_read", DOMAIN),
    "write_record": ToolAction("data_mutation", DOMAIN),
    "merge": ToolAction("final_action", DOMAIN),
}
"""What the tools are to policy."""
PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Journal:
    """What happened outside, one line each: who did what, and with which customer."""

    folder: Path
    participant: str

    def note(self, *words: object) -> None:
        """Append a line."""
        with (self.folder / "journal.txt").open("a") as file:
            file.write(" ".join([self.participant, *map(str, words)]) + "\n")

    async def gate(self) -> None:
        """Wait until the test lets this participant go on."""
        self.note("waits")
        async with asyncio.timeout(PATIENCE):
            # Another process opens it.
            while not (self.folder / f"{self.participant}.go").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Script:
    """What the fake model says: one call of a tool in each answer, and then that it is done.

    A call is ``{"tool": …, "customer": …}``, with ``"gated": True`` where the model does not answer
    before the test lets it.
    """

    calls: list[dict[str, Any]]
    journal: Journal

    async def answer(self, done: int) -> dict[str, Any] | None:
        """The call after ``done`` calls that stand in the conversation; None at the end."""
        self.journal.note("asks", done)
        if done >= len(self.calls):
            return None
        call = self.calls[done]
        if call.get("gated"):
            await self.journal.gate()
        return call


Tool = Callable[[int], Awaitable[str]]
Work = Callable[["Task | AsyncTask", Script, "list[Tool]"], Awaitable[str]]
"""Runs the framework's agent on a task to its end; answers what the model said last."""


def tools_of(journal: Journal) -> list[Tool]:
    """The tools, whose effects are lines in the journal."""

    async def look_up(customer: int) -> str:
        """Read a customer."""
        journal.note("look_up", customer)
        return f"customer {customer} is found"

    async def write_record(customer: int) -> str:
        """Change a customer."""
        journal.note("write_record", customer)
        return "written"

    async def merge(customer: int) -> str:
        """Merge a customer into another."""
        journal.note("merge", customer)
        return "merged"

    return [look_up, write_record, merge]


def serve(work: Work) -> None:
    """Take part until the process is ended."""
    participant, folder, mode = sys.argv[1:]
    journal = Journal(Path(folder), participant)

    async def worked(task: Task | AsyncTask) -> dict[str, str]:
        try:
            script = Script(task.input["calls"], journal)
            said = await work(task, script, tools_of(journal))
        except BaseException as error:
            journal.note("stopped", "lost" if is_lost(error) else repr(error))
            raise
        return {"said": said}

    async def asynchronous(task: AsyncTask) -> dict[str, str]:
        return await worked(task)

    def synchronous(task: Task) -> dict[str, str]:
        return asyncio.run(worked(task))

    client = PhoenixClient()
    client.register_participant(
        id=participant,
        type="agent",
        owner="data-governance",
        capabilities=["customer_validation"],
        data_domains=[DOMAIN],
        permissions=["read_customer_master", "suggest_merge"],
    )
    client.task_handler()(asynchronous if mode == "async" else synchronous)
    journal.note("joined")


def is_lost(error: BaseException | None) -> bool:
    """Whether a task that was lost is behind an error; a framework may wrap it."""
    while error is not None:
        if isinstance(error, AssignmentLost | asyncio.CancelledError):
            return True
        error = error.__cause__ or error.__context__
    return False
