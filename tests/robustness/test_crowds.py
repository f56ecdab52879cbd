"""Crowds: they race, they die at once, they are here at once, they all come back at once.

``PHOENIX_DMA_TEST_STREAMS=2000`` is the long form of the two tests with streams: that many of them,
a beat every 5 s, two minutes. Otherwise there are 300, with a beat every 3 s, for some seconds.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio

from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1.session_pb2 import Directive
from phoenix_runtime.chassis.ids import new_id
from tests.e2e.intervals import INTERVALS, PATIENCE
from tests.e2e.participant import Participant
from tests.e2e.proof import prove
from tests.e2e.stage import Stage, steward
from tests.robustness.crowds.beaters import Crowd, crowd_of
from tests.robustness.crowds.measures import KIBIBYTE, percentile, resident
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime
from tests.support.processes.replicated_runtime import replicated_runtime
from tests.support.waiting.until import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

RACERS, TASKS, SEATS = 200, 20, 4
DYING: Final = 50
STREAMS: Final = int(os.environ.get("PHOENIX_DMA_TEST_STREAMS", "300"))
LATE: Final = {"OFFER_LAPSED", "STALE_ASSIGNMENT", "NOT_PERMITTED"}
"""What is answered to who comes late for an offer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Of a lease, in seconds; ``stay`` is for how long everybody is watched."""

    ttl: float
    interval: float
    stay: float

    @property
    def environment(self) -> dict[str, str]:
        """What the registry is told."""
        return {
            "PHOENIX_DMA_LEASE_TTL": str(self.ttl),
            "PHOENIX_DMA_HEARTBEAT_INTERVAL": str(self.interval),
        }


TERMS: Final = Terms(15, 5, 120) if STREAMS >= 2000 else Terms(10, 3, 9)


LONG_LEASES: Final = Terms(600, 60, 0).environment
PATIENT: Final = {**INTERVALS, **Terms(6, 1, 0).environment}
"""All the crowd breathes in one process, and nobody fails because that is busy for two seconds."""


HOUSES: Final = {"one of each": breakable_runtime, "two of each": replicated_runtime}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=HOUSES)
async def runtime(request: pytest.FixtureRequest) -> AsyncIterator[BreakableRuntime]:
    """One for all of them; then another, with two replicas of each service."""
    async with HOUSES[request.param](PATIENT) as runtime:
        yield runtime


@pytest_asyncio.fixture(loop_scope="module")
async def stage(runtime: BreakableRuntime) -> AsyncIterator[Stage]:
    """A tenant of its own."""
    async with Stage(runtime, new_id("tenant")) as stage:
        yield stage


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Tell whoever runs the tests what was measured."""
    with capsys.disabled():
        print(f"\n  {text}")


# Racing --------------------------------------------------------------------------------------


async def test_of_200_that_race_for_20_tasks_each_task_is_bound_once(stage: Stage) -> None:
    for number in range(TASKS // SEATS):
        await stage.participant(f"agent.seat.{number}", capacity=SEATS)
    desk = await stage.operator()

    async def race(number: int) -> tuple[str, Any]:
        task = stage.task(task_id=f"task.raced.{number % TASKS:02d}")
        try:
            return task.task_id, await desk.assign(task)
        except PhoenixError as refused:
            return task.task_id, refused

    answers = await asyncio.gather(*(race(number) for number in range(RACERS)))
    refused = Counter(one.reason for _, one in answers if isinstance(one, PhoenixError))
    assert set(refused) <= {"ILLEGAL_TRANSITION", "NO_ELIGIBLE_PARTICIPANT"}, refused

    told: dict[str, set[str]] = {}
    for task_id, answer in answers:
        if not isinstance(answer, PhoenixError):
            told.setdefault(task_id, set()).add(answer.participant_id)
    for number in range(TASKS):
        task_id = f"task.raced.{number:02d}"
        task = await stage.task_in(task_id, "assigned")
        assert task.epoch == 1
        assert told.get(task_id, {task.participant}) == {task.participant}
        story = await stage.story(task_id)
        assert story.count("ASSIGNMENT_CREATED") == 1, story
    bound = Counter(event.participant for event in await stage.events("ASSIGNMENT_CREATED"))
    assert set(bound.values()) == {SEATS}, bound
    await prove(stage)


# Dying ---------------------------------------------------------------------------------------


async def crew(stage: Stage, kind: str, size: int, capacity: int) -> list[Participant]:
    """Participants on one connection, registered and present."""
    transport = await stage.transport()
    made = [
        Participant(transport, stage.profile, steward(f"{kind}.{n:02d}", {"capacity": capacity}))
        for n in range(size)
    ]
    await asyncio.gather(*(one.join() for one in made))
    return made


async def work(one: Participant, context: dict[str, Any]) -> tuple[str, int]:
    """Take the next task and write something down; answers the task and its epoch."""
    told = await one.directive("start_task")
    await one.start(told.task_id, told.epoch)
    await one.checkpoint(told.task_id, told.epoch, 0, context)
    return told.task_id, told.epoch


class Heirs:
    """Whoever takes over what the dead have left."""

    def __init__(self, crew: list[Participant]) -> None:
        self._crew = crew
        self._inheriting = [asyncio.create_task(self._inherit(heir)) for heir in crew]
        self.took: dict[str, float] = {}
        """When the new owner's first write for a task was acknowledged."""

    async def all_taken(self) -> bool:
        """Whether each of the tasks has a new owner at work."""
        for heir in self._inheriting:
            assert not heir.done(), heir.exception()
        return len(self.took) == DYING

    async def end(self) -> None:
        """Nobody takes over any more."""
        for heir in self._inheriting:
            heir.cancel()
        await asyncio.gather(*self._inheriting, return_exceptions=True)

    async def _inherit(self, heir: Participant) -> None:
        async with asyncio.TaskGroup() as work:
            while True:
                work.create_task(self._go_on(heir, await heir.directive("receive_handoff")))

    async def _go_on(self, heir: Participant, offer: Directive) -> None:
        try:
            task = (await heir.accept(offer)).briefing.task
        except PhoenixError as refused:
            # On a busy machine an offer may have passed to somebody else by now.
            if refused.reason in LATE:
                return
            raise
        written = await heir.checkpoint(task.task_id, task.epoch, 1, {"outputs": {"done": [1, 2]}})
        assert written.checkpoint.version == 2
        self.took[task.task_id] = time.time()


async def test_50_that_die_at_once_leave_50_tasks_that_move_each_once(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    dying = await crew(stage, "agent.dying", DYING, 1)
    for number in range(DYING):
        await stage.submit(task_id=f"task.moving.{number:02d}")
    held = dict(await asyncio.gather(*(work(one, {"outputs": {"done": [1]}}) for one in dying)))
    assert len(held) == DYING
    heirs = Heirs(await crew(stage, "agent.heir", 10, 6))
    try:
        await asyncio.gather(*(one.fall_silent() for one in dying))
        await until(heirs.all_taken, PATIENCE)
    finally:
        await heirs.end()
    lost = {event.participant: event for event in await stage.events("PARTICIPANT_FAILED")}
    assert set(lost) == {one.id for one in dying}
    moves = await stage.events("HANDOFF_COMPLETED")
    assert Counter(event.task for event in moves) == Counter(held.keys())
    expired = {move.task: lost[str(move.detail["source"])].timestamp for move in moves}
    seconds = [heirs.took[task] - at.timestamp() for task, at in expired.items()]
    measured = f"p50 {percentile(seconds, 0.5):.2f} s, p99 {percentile(seconds, 0.99):.2f} s"
    say(capsys, f"{DYING} died at once: from expiry to the new owner's work {measured}")
    await prove(stage)


# Being here ----------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(runtime: BreakableRuntime, stage: Stage) -> AsyncIterator[Crowd]:
    """Everybody is registered and nobody is here yet; leases are those of `TERMS`."""
    async with crowd_of(stage, STREAMS) as crowd:
        # So many take longer to register than a lease lasts; a registry that starts begins them.
        await runtime.restart("registry", LONG_LEASES)
        await crowd.register()
        await runtime.restart("registry", TERMS.environment)
        yield crowd
    await runtime.restart("registry")


async def stay(seconds: float) -> None:
    """Let time pass that nobody can hurry."""
    end = time.monotonic() + seconds

    async def over() -> bool:
        return time.monotonic() >= end

    await until(over, seconds + 5)


async def test_very_many_streams_at_once_are_all_heard_and_nobody_is_cancelled(
    runtime: BreakableRuntime, stage: Stage, crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {part: sum(map(resident, runtime.pids(part))) for part in ("registry", "gateway")}
    loop = asyncio.get_running_loop()
    opened = loop.time()
    async with crowd.present():
        took = await crowd.heard(opened, PATIENCE)
        await stay(TERMS.stay)
        await crowd.heard(loop.time() - 2 * TERMS.interval, TERMS.interval)
        sizes = {part: sum(map(resident, runtime.pids(part))) - before[part] for part in before}
    assert not crowd.tally.broken
    assert not crowd.tally.lost
    assert not await stage.events("PARTICIPANT_FAILED")
    each = ", ".join(f"{part} {size / STREAMS / KIBIBYTE:.1f} KiB" for part, size in sizes.items())
    say(capsys, f"{STREAMS} streams opened at once: all heard after {took:.2f} s; a stream: {each}")
    await prove(stage)


async def test_a_storm_of_streams_after_a_restart_of_the_registry_fails_nobody(
    runtime: BreakableRuntime, stage: Stage, crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.get_running_loop()
    async with crowd.present():
        await crowd.heard(loop.time(), PATIENCE)
        for replica in runtime.replicas("registry"):
            await runtime.restart(replica, TERMS.environment)
            back = await crowd.heard(loop.time(), 2 * TERMS.ttl)
        await stay(TERMS.ttl + 2)
        await crowd.heard(loop.time() - 2 * TERMS.interval, TERMS.interval)
    assert crowd.tally.broken.total() >= STREAMS
    assert not crowd.tally.lost
    assert not await stage.events("PARTICIPANT_FAILED")
    say(capsys, f"the registry restarted under {STREAMS} streams: all back after {back:.2f} s")
    await prove(stage)
