"""The worker role sees in which tenants a gate is busy, so that no other is asked about."""

from dataclasses import replace

from assignment_svc.domain.declaration import TaskDeclaration, submission
from assignment_svc.domain.states import HandoffStatus, ParkedAction, TaskStatus
from assignment_svc.domain.task import Parked
from assignment_svc.store.unit import AssignmentUnit
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from tests.integration.assignment.store.apart import apart
from tests.support.builders.calls import call_of
from tests.support.builders.membership import handoff, offer, task
from tests.support.servers.postgres import PostgresServer

CONTENT = submission(
    TaskDeclaration(task_id="x", objective="x", required_capabilities=("a",)), new_id
).input
REASONS = ("a_seat_in_use", "a_question_about_a_target", "an_offer")


async def test_a_tenant_is_busy_for_each_reason_for_which_a_gate_is(
    postgres: PostgresServer, clock: ManualClock
) -> None:
    async with apart(postgres, clock, "phoenix_assignment_busy") as (units, claims):
        for tenant in (*REASONS, "nothing"):
            async with units(call_of("operator", tenant=tenant)) as unit:
                await keep_busy(unit, tenant)
        assert set(await claims.busy_tenants()) == set(REASONS)
        for tenant in (*REASONS, "nothing"):
            async with units.reading(call_of("operator", tenant=tenant)) as unit:
                busy = await unit.busy_gates("", limit=9)
            expected = [] if tenant == "nothing" else ["agent.b"]
            assert [gate.participant_id for gate in busy] == expected


async def keep_busy(unit: AssignmentUnit, reason: str) -> None:
    """A gate without a seat, a pending task and a handoff that asks nobody, but for ``reason``."""
    gate = (await unit.lock_gates(["agent.b"]))["agent.b"]
    parked = Parked(ParkedAction.ASSIGN, "approval.1", "sha256:cd", target="agent.b")
    asked = task(status=TaskStatus.AWAITING_APPROVAL, parked=parked)
    offered = handoff(status=HandoffStatus.OFFERED, offer=offer(target="agent.b"))
    await unit.add_task(asked if reason == REASONS[1] else task(), CONTENT)
    await unit.add_handoff(offered if reason == REASONS[2] else handoff())
    if reason == REASONS[0]:
        await unit.save_gates([replace(gate, capacity=2, used=1)])
