"""The policy server answers slowly, wrongly, without end, or not at all: no change (I9).

(The engine that the runtime embeds, and that dies: ``tests/e2e/test_09_no_policy.py``.)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest
import pytest_asyncio
from grpc import StatusCode

from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1 import assignment_pb2, handoff_pb2, registry_pb2
from phoenix_dma.wire.conversions import struct_of
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.validate import Evidence
from phoenix_runtime.local.runtime import LocalRuntimeOptions
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS, a_lease_passes
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.robustness.forms import long_form, short_and_long
from tests.support.fakes.opa import FAULTS, MISREAD, FakeOpa
from tests.support.processes.breakable_runtime import BreakableRuntime
from tests.support.processes.fault_proxy import FaultProxy
from tests.support.servers.temporary import temporary

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED: Final = {"POLICY_ENGINE_UNAVAILABLE", "POLICY_DENIED"}
ANSWERS: Final = ("500", "undefined", 'the text "true"', 'a verdict that says "allow": "true"')
"""The faults of the short form."""


class Target:
    """A runtime and the policy server that it asks."""

    def __init__(self, runtime: BreakableRuntime, opa: FakeOpa, link: FaultProxy) -> None:
        self.runtime = runtime
        self.opa = opa
        self.link = link


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target() -> AsyncIterator[Target]:
    async with FakeOpa() as opa, FaultProxy(opa.url.removeprefix("http://")) as link:
        options = LocalRuntimeOptions.temporary(environment=INTERVALS)
        options = replace(options, opa_url=f"http://{link.address}")
        async with temporary(BreakableRuntime(options)) as runtime:
            yield Target(runtime, opa, link)


def lasting(evidence: Evidence) -> object:
    """The evidence that neither beats nor refusals change."""
    kept = {"TASK_SUBMITTED", "TASK_ASSIGNED", "PARTICIPANT_REGISTERED", "TASK_COMPLETED"}
    return (
        sorted(event.event_id for event in evidence.events if event.type in kept),
        sorted((task.task_id, task.status, task.epoch) for task in evidence.tasks),
    )


async def governed(
    scenario: Scenario, steward: Participant, epoch: int
) -> list[tuple[Any, Any, Any]]:
    """One change for each service that asks policy."""
    newcomer = await scenario.unregistered(BACKUP)
    operator = await scenario.operator()
    stubs = operator.stubs
    return [
        (
            newcomer.credential,
            stubs.registry.RegisterParticipant,
            registry_pb2.RegisterParticipantRequest(participant=newcomer.declaration),
        ),
        (
            operator._credential,
            stubs.assignment.SubmitTask,
            assignment_pb2.SubmitTaskRequest(task=scenario.task(task_id="task.other")),
        ),
        (
            steward.credential,
            stubs.assignment.CompleteTask,
            assignment_pb2.CompleteTaskRequest(
                task_id=TASK, epoch=epoch, result=struct_of({"merged": 0})
            ),
        ),
        (
            operator._credential,
            stubs.handoffs.RetireParticipant,
            handoff_pb2.RetireParticipantRequest(participant_id=STEWARD),
        ),
    ]


async def is_refused(transport: Transport, credential: Any, method: Any, request: Any) -> None:
    """Refused for want of a decision, and not because the caller's own deadline was over."""
    with pytest.raises(PhoenixError) as refused:
        await transport.ask(method, request, credential, patience=0.0)
    assert refused.value.reason in REFUSED, refused.value
    status: Any = refused.value.__cause__
    assert status.code() is not StatusCode.DEADLINE_EXCEEDED, refused.value


async def nothing_is_changed(target: Target, scenario: Scenario, steward: Participant) -> None:
    """Every governed change is refused, and nobody loses a lease."""
    epoch = (await scenario.task_in(TASK, "active")).epoch
    transport = (await scenario.operator()).transport
    before = lasting(await scenario.evidence())
    changes = await governed(scenario, steward, epoch)
    for credential, _, _ in changes:
        await credential.token()
    # Side by side: none of them may hold up another one.
    await asyncio.gather(*(is_refused(transport, *change) for change in changes))
    assert lasting(await scenario.evidence()) == before
    assert await scenario.standing(STEWARD, "active", "degraded")
    assert not steward.losses


@pytest.mark.parametrize("fault", short_and_long(ANSWERS, [*FAULTS, *MISREAD]))
async def test_what_is_no_decision_changes_nothing_and_leases_go_on(
    target: Target, fault: str
) -> None:
    async with Scenario(target.runtime, new_id("tenant")) as scenario:
        steward = await scenario.participant(STEWARD)
        await scenario.submit()
        epoch = (await steward.take(TASK)).task.epoch
        with target.opa.failing(fault):
            await nothing_is_changed(target, scenario, steward)
        await steward.complete(TASK, epoch, {"merged": 0})
        await assert_invariants(scenario)


@pytest.mark.parametrize("how", long_form("cut", "silent"))
async def test_a_policy_server_that_is_away_changes_nothing_and_leases_go_on(
    target: Target, how: str
) -> None:
    async with Scenario(target.runtime, new_id("tenant")) as scenario:
        steward = await scenario.participant(STEWARD)
        await scenario.submit()
        epoch = (await steward.take(TASK)).task.epoch
        with getattr(target.link, how)():
            await a_lease_passes()
            await nothing_is_changed(target, scenario, steward)
        await steward.complete(TASK, epoch, {"merged": 0})
        await assert_invariants(scenario)
