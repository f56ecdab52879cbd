"""Many participants race for tasks, die at once, attach at once, and reattach at once.

The short form has some dozens of participants and one replica of each service; the long form has
hundreds and two thousand, and two replicas as well. What a crowd costs, and how soon its tasks
move, is measured by `tests/benchmarks/streams.py` and `takeover.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from phoenix_dma.errors import PhoenixError
from phoenix_runtime.chassis.ids import new_id
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS, PATIENCE
from tests.e2e.scenarios.scenario import Scenario
from tests.e2e.scenarios.unhurried import UnhurriedScenario
from tests.robustness.crowds.heartbeat_clients import Crowd, Terms, registered
from tests.robustness.crowds.successors import Successors, at_work, joined
from tests.robustness.forms import long_form
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime
from tests.support.processes.replicated_runtime import replicated_runtime
from tests.support.waiting.until import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1800)]

SEATS: Final = 4
RACES: Final = ((32, 8), pytest.param(200, 20, marks=pytest.mark.long))
"""How many race for how many tasks."""
DEATHS: Final = ((12, 4), pytest.param(50, 10, marks=pytest.mark.long))
"""How many die, and how many take over from them."""
BRIEF: Final = Terms(ttl=30, interval=3, stay=32)
LONGER: Final = Terms(ttl=60, interval=5, stay=62)
LENGTHY: Final = Terms(ttl=120, interval=10, stay=125)
CROWDS: Final = ((40, BRIEF), *long_form((60, BRIEF), (300, LONGER), (2000, LENGTHY)))
"""How many streams, and under which leases: the more share two processors, the longer a beat may
take, and who is merely slow is not silent."""
RUNTIMES: Final = {"one of each": breakable_runtime, "two of each": replicated_runtime}


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["one of each", *long_form("two of each")]
)
async def runtime(request: pytest.FixtureRequest) -> AsyncIterator[BreakableRuntime]:
    """One for all tests; then another, with two replicas of each service."""
    async with RUNTIMES[request.param](INTERVALS) as runtime:
        yield runtime


@pytest_asyncio.fixture(loop_scope="module")
async def scenario(runtime: BreakableRuntime) -> AsyncIterator[Scenario]:
    """A tenant of its own."""
    async with UnhurriedScenario(runtime, new_id("tenant")) as scenario:
        yield scenario


@pytest.mark.parametrize(("racers", "tasks"), RACES)
async def test_of_many_that_race_for_few_tasks_each_task_is_bound_once(
    scenario: Scenario, racers: int, tasks: int
) -> None:
    for number in range(tasks // SEATS):
        await scenario.participant(f"agent.seat.{number}", capacity=SEATS)
    api = await scenario.operator()

    async def race(number: int) -> tuple[str, Any]:
        task = scenario.task(task_id=f"task.raced.{number % tasks:02d}")
        try:
            return task.task_id, await api.assign(task)
        except PhoenixError as refused:
            return task.task_id, refused

    answers = await asyncio.gather(*(race(number) for number in range(racers)))
    refused = [one for _, one in answers if isinstance(one, PhoenixError)]
    expected = {"ILLEGAL_TRANSITION", "NO_ELIGIBLE_PARTICIPANT"}
    assert {one.reason for one in refused} <= expected, Counter(map(str, refused))

    told: dict[str, set[str]] = {}
    for task_id, answer in answers:
        if not isinstance(answer, PhoenixError):
            told.setdefault(task_id, set()).add(answer.participant_id)
    for number in range(tasks):
        await is_bound_once(scenario, f"task.raced.{number:02d}", told)
    bound = Counter(event.participant for event in await scenario.events("ASSIGNMENT_CREATED"))
    assert set(bound.values()) == {SEATS}, bound
    await assert_invariants(scenario)


async def is_bound_once(scenario: Scenario, task_id: str, told: dict[str, set[str]]) -> None:
    """The task has its first owner, and every answered caller was told of that owner."""
    task = await scenario.task_in(task_id, "assigned")
    assert task.epoch == 1
    assert told.get(task_id, {task.participant}) == {task.participant}
    story = await scenario.story(task_id)
    assert story.count("ASSIGNMENT_CREATED") == 1, story


@pytest.mark.parametrize(("dying", "heirs"), DEATHS)
async def test_of_many_that_die_at_once_each_task_moves_once(
    scenario: Scenario, dying: int, heirs: int
) -> None:
    held = await at_work(scenario, dying)
    successors = Successors(await joined(scenario, "agent.heir", heirs, dying // heirs + 1))
    try:
        await asyncio.gather(*(one.fall_silent() for one in held.values()))
        await until(lambda: successors.have_taken(dying), PATIENCE)
    finally:
        await successors.end()
    lost = {event.participant for event in await scenario.events("PARTICIPANT_FAILED")}
    assert lost == {one.id for one in held.values()}
    moves = await scenario.events("HANDOFF_COMPLETED")
    assert Counter(event.task for event in moves) == Counter(held.keys())
    await assert_invariants(scenario)


@pytest_asyncio.fixture(loop_scope="module", params=CROWDS, ids=["40", "60", "300", "2000"])
async def crowd(
    runtime: BreakableRuntime, scenario: Scenario, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[Crowd, Terms]]:
    """Everybody is registered and nobody is here yet."""
    size, terms = request.param
    async with registered(runtime, scenario, size, terms) as crowd:
        yield crowd, terms


@pytest.mark.long
async def test_very_many_streams_at_once_are_all_heard_and_nobody_is_cancelled(
    scenario: Scenario, crowd: tuple[Crowd, Terms]
) -> None:
    streams, terms = crowd
    async with streams.present():
        await streams.all_heard()
        await asyncio.sleep(terms.stay)
        await streams.all_heard()
    assert not streams.tally.broken
    assert not streams.tally.lost
    assert not await scenario.events("PARTICIPANT_FAILED")
    await assert_invariants(scenario)


async def test_a_storm_of_streams_after_a_restart_of_the_registry_fails_nobody(
    runtime: BreakableRuntime, scenario: Scenario, crowd: tuple[Crowd, Terms]
) -> None:
    streams, terms = crowd
    async with streams.present():
        await streams.all_heard()
        for replica in runtime.replicas("registry"):
            await runtime.restart(replica, terms.environment)
            await streams.all_heard()
        await asyncio.sleep(terms.ttl + 2)
        await streams.all_heard()
    assert streams.tally.broken.total() >= len(streams.names)
    assert not streams.tally.lost
    assert not await scenario.events("PARTICIPANT_FAILED")
    await assert_invariants(scenario)
