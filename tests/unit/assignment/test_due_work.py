"""Kinds of rows of which none is due are not claimed; one question finds those that are."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from assignment_svc.store.due import DueKind
from assignment_svc.workers import background
from assignment_svc.workers.background import (
    LONGEST_REST,
    WorkerIntervals,
    Workers,
    WorkerUseCases,
)
from phoenix_runtime.core.clock import ManualClock
from tests.support.builders.calls import call_of
from tests.support.waiting.until import PATIENCE

DUE = timedelta(milliseconds=200)


class CountingClaims:
    """Implements `domain.ports.Claims`: nothing can be claimed, and ``next`` says what is due."""

    def __init__(self) -> None:
        self.next: dict[str, datetime] = {}
        self.claimed: Counter[str] = Counter()
        self.changed = asyncio.Event()

    async def due_tasks(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        return self._count("tasks")

    async def due_handoffs(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        return self._count("handoffs")

    async def due_retirements(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        return self._count("retirements")

    async def due_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        return self._count("approvals")

    async def next_due(self, now: datetime) -> Mapping[str, datetime]:
        return self.next

    async def busy_tenants(self) -> Sequence[str]:
        return []

    def _count(self, kind: str) -> Sequence[tuple[str, str]]:
        self.claimed[kind] += 1
        self.changed.set()
        return []

    async def reach(self, kind: str, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.claimed[kind] < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture(autouse=True)
def nothing_is_claimed_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FALLBACK_SECONDS", 3600.0)


def workers_of(claims: CountingClaims, clock: ManualClock) -> Workers:
    nothing_to_do = cast("Any", None)
    return Workers(
        WorkerUseCases(
            tasks=nothing_to_do,
            handoffs=nothing_to_do,
            retirements=nothing_to_do,
            approvals=nothing_to_do,
            reconcile=nothing_to_do,
        ),
        claims,
        clock=clock,
        call=lambda tenant: call_of(tenant=tenant),
        intervals=WorkerIntervals(due=DUE.total_seconds(), reconcile=3600),
    )


async def test_only_the_kind_that_is_due_is_claimed() -> None:
    claims, clock = CountingClaims(), ManualClock()
    workers = workers_of(claims, clock)
    await workers.start()
    for kind in ("tasks", "handoffs", "retirements", "approvals"):
        await claims.reach(kind, 1)  # the first step of each
    claims.next = {"handoffs": clock.now(), "tasks": clock.now() + timedelta(hours=1)}
    workers.wake()
    await claims.reach("handoffs", 2)
    await workers.stop()
    assert claims.claimed["tasks"] == claims.claimed["approvals"] == 1


async def test_it_rests_until_something_is_due_and_never_for_long() -> None:
    claims, clock = CountingClaims(), ManualClock()
    workers = workers_of(claims, clock)
    assert await workers.look() == LONGEST_REST
    claims.next = {"tasks": clock.now() + timedelta(hours=1)}
    assert await workers.look() == LONGEST_REST
    claims.next["approvals"] = clock.now() + LONGEST_REST / 4
    assert await workers.look() == LONGEST_REST / 4
    clock.advance(LONGEST_REST.total_seconds())
    assert await workers.look() == DUE, "what is left over is looked for again"


async def test_a_commit_wakes_the_kind_that_it_made_due() -> None:
    claims, clock = CountingClaims(), ManualClock()
    workers = workers_of(claims, clock)
    await workers.start()
    for kind in DueKind:
        await claims.reach(kind, 1)  # the first step of each
    workers.due_at(DueKind.HANDOFFS, clock.now() + 2 * LONGEST_REST)
    workers.due_at(DueKind.APPROVALS, clock.now() + timedelta(milliseconds=1))
    workers.due_at(DueKind.TASKS, clock.now() - timedelta(hours=1))
    await claims.reach(DueKind.TASKS, 2)
    await claims.reach(DueKind.APPROVALS, 2)
    await workers.stop()
    assert claims.claimed[DueKind.HANDOFFS] == claims.claimed[DueKind.RETIREMENTS] == 1


async def test_what_is_due_in_a_moment_is_claimed_then_although_something_else_was_due_before() -> (
    None
):
    claims, clock = CountingClaims(), ManualClock()
    workers = workers_of(claims, clock)
    await workers.start()
    await claims.reach(DueKind.TASKS, 1)  # the first step
    workers.due_at(DueKind.TASKS, clock.now() + timedelta(milliseconds=100))
    workers.due_at(DueKind.TASKS, clock.now())
    await claims.reach(DueKind.TASKS, 3)
    await workers.stop()
