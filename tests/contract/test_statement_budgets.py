"""Budgets of statements and commits: of each step of a task's cycle, and of what is asked most.

Counted on a real PostgreSQL, one call at a time through the gateway, with all that follows from it:
events in the ledger, directives, evidence for trust. A statement that is a whole transaction counts
as a statement alone. Nothing here measures time. A number that falls is written down here; one that
rises needs a reason in the commit that raises it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio

from phoenix_dma.v1 import audit_pb2, registry_pb2
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.runtime import LocalRuntime
from tests.benchmarks.frame.clients import channels, register
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import STEWARD, Scenario
from tests.support.servers.statements import (
    Asked,
    StatementCounter,
    counting_options,
    statement_counter,
)
from tests.support.servers.temporary import temporary

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTERVALS: Final = {
    "PHOENIX_DMA_LEASE_TTL": "3600",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "1200",
    "PHOENIX_DMA_OFFER_TIMEOUT": "3600",
    "PHOENIX_DMA_RESUME_TIMEOUT": "3600",
    "PHOENIX_DMA_RECONCILE_INTERVAL": "3600",
    "PHOENIX_DMA_LEDGER_INTERVAL": "3600",
    "PHOENIX_DMA_TRUST_INTERVAL": "3600",
}
"""Nothing that is counted happens because time has passed."""
CALLS: Final = 5
"""Calls that are counted at once; the first ones of a connection have been made before."""
ROUNDS: Final = 6
"""Counts of which the least is judged. What the services' loops ask meanwhile only adds to a count,
and the slower the machine, the more of it: a few calls are over before the next of them is due."""
CYCLE: Final[Mapping[str, Asked]] = {
    "submit and bind": Asked(31, 6),
    "start": Asked(11, 4),
    "checkpoint": Asked(12, 4),
    "complete": Asked(17, 5),
}
"""The most that each step asks of all services together. Evidence for trust is folded in between:
a slow machine folds after each event, a quick one after several, and the budget is the slow
one's."""
READS: Final[Mapping[str, Asked]] = {
    "GetTask": Asked(2, 0),
    "ListTasks": Asked(1, 0),
    "GetParticipant": Asked(1, 0),
    "ListParticipants": Asked(1, 0),
    "DiscoverParticipants": Asked(6, 1),
    "GetLineage": Asked(4, 0),
}

REGISTER: Final = Asked(15, 1)
"""The first registration of an id, whatever it claims, with its gate in assignment."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A tenant with a steward, in a runtime that counts."""

    scenario: Scenario
    steward: Participant
    counter: StatementCounter

    async def asked(self, step: Callable[[], Awaitable[Any]]) -> Asked:
        """What one step asks."""
        found: list[Asked] = []
        async with self.counter.counted(found):
            await step()
        return found[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counted() -> AsyncIterator[Counted]:
    async with (
        temporary(LocalRuntime(counting_options(INTERVALS))) as runtime,
        Scenario(runtime, new_id("tenant")) as scenario,
        statement_counter(runtime.admin_url) as counter,
    ):
        yield Counted(scenario, await scenario.participant(), counter)


async def cycle(counted: Counted) -> dict[str, Asked]:
    """One task from submission to completion; answers what each step asked."""
    steward, task_id = counted.steward, new_id("task")
    given: list[int] = []

    async def submit() -> None:
        await counted.scenario.submit(task_id=task_id)
        given.append((await steward.directive("start_task", task_id)).epoch)

    async def checkpoint() -> None:
        await steward.checkpoint(task_id, given[0], 0, {"outputs": {"so far": 1}})

    return {
        "submit and bind": await counted.asked(submit),
        "start": await counted.asked(lambda: steward.start(task_id, given[0])),
        "checkpoint": await counted.asked(checkpoint),
        "complete": await counted.asked(lambda: steward.complete(task_id, given[0], {"ok": True})),
    }


async def test_each_step_of_a_tasks_cycle_keeps_its_budget(counted: Counted) -> None:
    for _ in range(2):
        await cycle(counted)
    steps = await cycle(counted)
    for name, budget in CYCLE.items():
        within(budget, steps[name], name)


async def reads(counted: Counted) -> Mapping[str, Callable[[], Awaitable[Any]]]:
    """The calls by name."""
    api = await counted.scenario.operator()
    task = (await api.list_tasks(limit=1))[0].id
    find = registry_pb2.DiscoverParticipantsRequest(
        required_capabilities=["duplicate_detection"], page_size=10
    )
    return {
        "GetTask": lambda: api.get_task(task),
        "ListTasks": lambda: api.list_tasks(limit=10),
        "GetParticipant": lambda: api.ask(
            api.stubs.registry.GetParticipant,
            registry_pb2.GetParticipantRequest(participant_id=STEWARD),
        ),
        "ListParticipants": lambda: api.ask(
            api.stubs.registry.ListParticipants, registry_pb2.ListParticipantsRequest(page_size=10)
        ),
        "DiscoverParticipants": lambda: api.ask(api.stubs.registry.DiscoverParticipants, find),
        "GetLineage": lambda: api.ask(
            api.stubs.audit.GetLineage, audit_pb2.GetLineageRequest(task_id=task)
        ),
    }


@pytest.mark.parametrize("name", READS)
async def test_what_is_asked_most_keeps_its_budget(counted: Counted, name: str) -> None:
    await cycle(counted)
    ask = (await reads(counted))[name]
    await ask()

    within(times(CALLS, READS[name]), await least(counted, ask), name)


async def test_a_registration_keeps_its_budget(counted: Counted) -> None:
    """One at a time, each of another participant, with the evidence for trust that it is."""
    async with channels(counted.scenario.runtime.address("gateway")) as (channel,):

        async def once() -> None:
            name = new_id("agent")
            await register(counted.scenario, channel, name, {"liveness": "unleased"})

        await once()
        asked = await least(counted, once)
    within(times(CALLS, REGISTER), asked, "RegisterParticipant")


async def least(counted: Counted, call: Callable[[], Awaitable[Any]]) -> Asked:
    """The fewest statements, and the fewest commits, that `CALLS` calls asked in any round."""

    async def several() -> None:
        for _ in range(CALLS):
            await call()

    found = [await counted.asked(several) for _ in range(ROUNDS)]
    return Asked(min(one.statements for one in found), min(one.commits for one in found))


def times(calls: int, budget: Asked) -> Asked:
    """The budget of so many calls."""
    return Asked(calls * budget.statements, calls * budget.commits)


def within(budget: Asked, found: Asked, name: str) -> None:
    """Fail where more was asked than may be."""
    assert found.statements <= budget.statements, f"{name}: {found}, at most {budget}"
    assert found.commits <= budget.commits, f"{name}: {found}, at most {budget}"
