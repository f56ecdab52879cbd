"""A living source that was fenced for an offer, and retires or fails before the offer is answered.

Nothing is bound to it any more (I8), and its retirement knows of the task.
"""

import asyncio

import pytest

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import HandoffStatus, RetirementMode, TaskStatus
from assignment_svc.usecases.handoff.initiate_handoff import HandoffRequest
from assignment_svc.usecases.membership.retire_participant import RetirementRequest
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from tests.support.servers.assignment_service import AssignmentService
from tests.support.waiting.row_locks import held, settled


async def offered(assignment: AssignmentService) -> Handoff:
    """A task of agent.a on offer to agent.b; agent.a lives, is fenced, and keeps its seat."""
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    await assignment.handoffs.initiate(
        assignment.operator, HandoffRequest("task.one", "agent.a", "requested")
    )
    assignment.registry.join("agent.b")
    await assignment.checkpoint(task)
    await assignment.work()
    handoff = await open_handoff(assignment)
    assert handoff.status is HandoffStatus.OFFERED
    assert handoff.source_seated
    return handoff


async def open_handoff(assignment: AssignmentService) -> Handoff:
    task = await assignment.task("task.one")
    return (await assignment.handoffs.get(assignment.operator, task.handoff_id)).handoff


async def a_moment_later(assignment: AssignmentService) -> None:
    assignment.clock.advance(2)
    await assignment.work()


async def decline(assignment: AssignmentService, handoff: Handoff) -> None:
    assert handoff.offer is not None
    await assignment.handoffs.decline(
        assignment.agent("agent.b"),
        handoff_id=handoff.handoff_id,
        offer_id=handoff.offer.offer_id,
        why="busy",
    )


async def test_a_failed_offer_does_not_give_the_task_back_to_a_source_that_retires(
    assignment: AssignmentService,
) -> None:
    handoff = await offered(assignment)
    await assignment.handoffs.retire(
        assignment.operator, RetirementRequest("agent.a", RetirementMode.GRACEFUL)
    )
    await decline(assignment, handoff)
    await assignment.work()
    await a_moment_later(assignment)
    task = await assignment.task("task.one")
    assert (task.status, task.owner_id) == (TaskStatus.MIGRATING, "")
    assert (await open_handoff(assignment)).source_gone
    assert assignment.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    assignment.registry.join("agent.c")
    await assignment.wake_queue(assignment.engine)
    await assignment.work()
    await assignment.take_over(await open_handoff(assignment), "agent.c")
    assert (await assignment.task("task.one")).owner_id == "agent.c"


async def test_an_operator_cannot_give_a_task_back_to_a_source_that_retires(
    assignment: AssignmentService,
) -> None:
    handoff = await offered(assignment)
    await assignment.handoffs.retire(
        assignment.operator, RetirementRequest("agent.a", RetirementMode.GRACEFUL)
    )
    with pytest.raises(errors.IllegalTransition):
        await assignment.handoffs.abort(
            assignment.operator, handoff_id=handoff.handoff_id, why="wait"
        )
    await assignment.take_over(handoff, "agent.b")
    assert (await assignment.task("task.one")).owner_id == "agent.b"


async def test_a_retirement_begins_when_its_gate_closes_and_not_when_it_was_asked_for(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    row_key = {"tenant": assignment.tenant, "participant_id": "agent.a"}
    async with held(assignment.admin_url, "assignment.gates", **row_key) as row:
        retiring = asyncio.create_task(
            assignment.handoffs.retire(
                assignment.operator, RetirementRequest("agent.a", RetirementMode.GRACEFUL)
            )
        )
        await row.waited_for_by(1)
        assignment.clock.advance(1)  # who holds the gate meanwhile may be bound
        await row.release()
        begun = (await retiring).retirement
    assert begun.created_at == assignment.clock.now()


async def test_a_retirement_knows_what_was_on_offer_when_it_began(
    assignment: AssignmentService,
) -> None:
    handoff = await offered(assignment)
    await assignment.handoffs.retire(
        assignment.operator, RetirementRequest("agent.a", RetirementMode.GRACEFUL)
    )
    await a_moment_later(assignment)
    assert assignment.registry.people["agent.a"].status is ParticipantStatus.RETIRING
    await assignment.take_over(handoff, "agent.b")
    await a_moment_later(assignment)
    assert assignment.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    assert assignment.registry.records["agent.a"]["handoff_outcomes"] == [
        {
            "task_id": "task.one",
            "outcome": "handed_off",
            "target": "agent.b",
            "handoff_id": handoff.handoff_id,
        }
    ]


async def test_at_its_deadline_a_retiring_source_loses_the_seat_of_a_task_on_offer(
    assignment: AssignmentService,
) -> None:
    handoff = await offered(assignment)
    await assignment.handoffs.retire(
        assignment.operator, RetirementRequest("agent.a", RetirementMode.IMMEDIATE)
    )
    await a_moment_later(assignment)
    assert assignment.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    await assignment.take_over(handoff, "agent.b")
    assert (await assignment.task("task.one")).owner_id == "agent.b"


async def test_a_handoff_given_up_while_its_sources_failure_is_applied_binds_nobody(
    assignment: AssignmentService,
) -> None:
    handoff = await offered(assignment)
    row_key = {"tenant": assignment.tenant, "task_id": "task.one"}
    async with held(assignment.admin_url, "assignment.tasks", **row_key) as row:
        abort = asyncio.create_task(
            assignment.handoffs.abort(
                assignment.operator, handoff_id=handoff.handoff_id, why="wait"
            )
        )
        await row.waited_for_by(1)
        assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
        # The gate is closed in a commit of its own; then its task is waited for.
        apply = asyncio.create_task(assignment.reconcile(assignment.engine))
        await row.waited_for_by(2)
        await row.release()
        refused, _ = await settled(abort, apply)
    assert isinstance(refused, errors.IllegalTransition)
    now = await open_handoff(assignment)
    assert (now.status, now.source_gone) == (HandoffStatus.OFFERED, True)
    await assignment.take_over(now, "agent.b")
