"""What the chapters share: client, agent processes, facts found so far, and the printed story."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.markup import escape

from examples.stewardship import scenario
from examples.stewardship.processes import AgentProcess, AgentProcesses
from phoenix_dma import AsyncPhoenixClient
from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.v1 import assignment_pb2, audit_pb2, common_pb2, registry_pb2
from phoenix_dma.wire.conversions import json_of
from phoenix_dma.wire.visible import visible

PATIENCE: Final = 300.0
"""Seconds after which something that does not happen is taken never to happen."""
POLL: Final = 0.1

Found = TypeVar("Found")


def _shown(text: str) -> str:
    """What agents stored is text: no markup, and no terminal escapes."""
    return escape(visible(text, lines=True))


class StoryBroken(AssertionError):
    """Something did not happen as the story says."""


class Narrator:
    """Tells the story, for people."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    def chapter(self, number: int, title: str) -> None:
        """A new step of the paper's scenario."""
        self._console.print(f"\n[bold]{number}. {_shown(title)}[/bold]")

    def line(self, text: str) -> None:
        """One thing that happened."""
        self._console.print(f"   {_shown(text)}")

    def proved(self, text: str) -> None:
        """One thing that was checked."""
        self._console.print(f"   [green]✓[/green] {_shown(text)}")

    def plain(self, text: str = "") -> None:
        """Something between chapters."""
        self._console.print(_shown(text))

    @property
    def seconds(self) -> float:
        """Since the story began."""
        return time.monotonic() - self._began


@dataclass(slots=True)
class Story:
    """Everything that a chapter may look at, and what earlier chapters found."""

    client: AsyncPhoenixClient
    processes: AgentProcesses
    tell: Narrator
    folder: Path
    judge: Callable[[], Awaitable[list[str]]]
    """Runs `validate` over tables and audit; what does not hold, one line each."""
    steward: AgentProcess | None = None
    backup: AgentProcess | None = None
    policy: AgentProcess | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> RuntimeApi:
        """The operator's api."""
        return self.client.api

    @property
    def merges(self) -> Path:
        """Where stewards put merged records."""
        return self.folder / "merges"

    def holds(self, condition: object, text: str) -> None:
        """Check one thing, and tell it; raises `StoryBroken`."""
        if not condition:
            raise StoryBroken(text)
        self.tell.proved(text)

    async def task(self) -> assignment_pb2.Task:
        """The task as it is now."""
        return (await self.api.get_task(scenario.TASK)).message

    async def steady(self, *names: str) -> None:
        """Wait until each of them is active; who is late with a beat just now scores less."""
        for name in names:
            await self.until(lambda name=name: self._steady(name), f"{name} active")

    async def _steady(self, name: str) -> str | None:
        found = await self.api.get_participant(name)
        active = found.status == registry_pb2.PARTICIPANT_STATUS_ACTIVE
        return found.id if active and not found.suspect else None

    async def events(self, kind: str = "") -> list[audit_pb2.AuditEvent]:
        """The lineage of the task so far; only events of ``kind`` where it is given."""
        found = await self.api.lineage(scenario.TASK)
        return [event for event in found if not kind or event.type == kind]

    async def event(
        self, kind: str, holds: Callable[[audit_pb2.AuditEvent], bool] = lambda _: True
    ) -> audit_pb2.AuditEvent:
        """The first event of that kind for which ``holds``, once it has reached the ledger."""

        async def look() -> audit_pb2.AuditEvent | None:
            return next((event for event in await self.events(kind) if holds(event)), None)

        return await self.until(look, f"an event {kind}")

    async def until(self, look: Callable[[], Awaitable[Found | None]], what: str) -> Found:
        """What ``look`` finds, once it does; raises `StoryBroken` after a minute."""
        deadline = time.monotonic() + PATIENCE
        while (found := await look()) is None:
            if time.monotonic() > deadline:
                raise StoryBroken(f"nobody saw {what}")
            await asyncio.sleep(POLL)
        return found


def detail(event: audit_pb2.AuditEvent) -> dict[str, Any]:
    """The further facts of an event."""
    return json_of(event.detail)


def decision(event: audit_pb2.AuditEvent) -> dict[str, Any]:
    """The decision that an event rests on."""
    return json_of(event.policy_decision)


def because(verdict: dict[str, Any]) -> str:
    """Why policy said what it said."""
    return "; ".join(str(reason.get("text", "")) for reason in verdict.get("reasons", []))


def terms(score: common_pb2.Score) -> list[str]:
    """A score, explained."""
    return [
        f"{term.value:.2f} × {term.weight:.2f}  {term.name}: {term.because}" for term in score.terms
    ]
