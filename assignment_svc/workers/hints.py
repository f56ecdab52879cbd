"""News makes the night shift quick; that it is complete rests on rows and reconciling."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol

import structlog

from assignment_svc.usecases.follow_approval import FollowApproval
from assignment_svc.usecases.reconcile import Hasten, Reconcile
from phoenix_runtime.chassis.hints import Hint
from phoenix_runtime.core.principal import Call

log = structlog.get_logger()

STANDING: Final = frozenset(
    {
        "REGISTERED",
        "ACTIVE",
        "DEGRADED",
        "FAILED",
        "CAPABILITIES_UPDATED",
        "PARTICIPANT_SUSPENDED",
        "PARTICIPANT_REINSTATED",
        "RETIRING",
        "RETIRED",
    }
)
"""Somebody's standing changed: read it."""

ROOM: Final = frozenset(
    {
        "ACTIVE",
        "DEGRADED",
        "CAPABILITIES_UPDATED",
        "CERTIFICATION_GRANTED",
        "POLICY_ACTIVATED",
        "TASK_SUCCEEDED",
        "TASK_FAILED",
        "TASK_CANCELLED",
        "TASK_DECLINED",
        "TASK_RETRIED",
        "MIGRATING",
        "HANDOFF_COMPLETED",
        "HANDOFF_ABORTED",
    }
)
"""Somebody joined, freed up or was certified: what waits may find somebody now."""

PATIENCE: Final = 0.5
"""Seconds after which the reader is cancelled again."""

DECIDED: Final = frozenset({"APPROVAL_DECIDED", "APPROVAL_EXPIRED", "APPROVAL_CANCELLED"})
"""A human has spoken."""


class News(Protocol):
    """Where hints come from (`chassis.bus.BusReader`)."""

    def hints(self) -> AsyncIterator[Hint]:
        """Every hint from now on, without end."""
        ...


class Listener:
    """Hears news and runs what each piece may be about; runs beside the server."""

    def __init__(
        self,
        news: News,
        *,
        reconcile: Reconcile,
        hasten: Hasten,
        follow: FollowApproval,
        call: Callable[[str], Call],
    ) -> None:
        self._news = news
        self._reconcile = reconcile
        self._hasten = hasten
        self._follow = follow
        self._call = call
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._run(), name="assignment_hints")

    async def stop(self) -> None:
        """End; what was not heard is found by the loops."""
        task, self._task = self._task, None
        while task is not None and not task.done():
            # More than once: a client that times out at that very moment passes the time-out on
            # and swallows the cancellation.
            task.cancel()
            await asyncio.wait([task], timeout=PATIENCE)

    async def _run(self) -> None:
        async for hint in self._news.hints():
            await self._guarded(hint)

    async def _guarded(self, hint: Hint) -> None:
        """A hint that fails is only slower: its loop comes to the same by itself."""
        try:
            await self.heard(hint)
        except Exception as error:  # the next hint is not its fault
            log.warning("hint failed", hint=hint.type, exc_info=error)

    async def heard(self, hint: Hint) -> None:
        """Do what one piece of news may be about."""
        call = self._call(hint.tenant)
        steps: list[Awaitable[object]] = []
        if hint.type in STANDING and hint.participant:
            steps.append(self._reconcile.participants(call, [hint.participant]))
        if hint.type in ROOM:
            steps.append(self._hasten(call))
        if hint.type in DECIDED and hint.aggregate.startswith("approval/"):
            steps.append(self._follow(call, hint.aggregate.removeprefix("approval/")))
        for step in steps:
            await step
