"""A living source that was fenced for an offer, and retires or fails before the offer is answered.

Nothing is bound to it any more (I8), and its retirement knows of the task.
"""

import asyncio

import pytest

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import HandoffStatus, RetirementMode, TaskStatus
from assignment_svc.usecases.initiate_handoff import Initiation
from assignment_svc.usecases.retire_participant import Leaving
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from tests.support.assignment_house import AssignmentHouse
from tests.support.row_locks import held, settled


async def offered(runtime: AssignmentHouse) -> Handoff:
    """A task of agent.a on offer to agent.b; agent.a lives, is fenced, and keeps its seat."""
    runtime.registry.join("agent.a")
    task = await runtime.active("task.one")
    await runtime.handoffs.initiate(
        runtime.operator, Initiation("task.one", "agent.a", "requested")
    )
    runtime.registry.join("agent.b")
    await runtime.checkpoint(task)
    await runtime.work()
    handoff = await open_handoff(runtime)
    assert handoff.status is HandoffStatus.OFFERED
    assert handoff.source_seated
    return handoff


async def open_handoff(runtime: AssignmentHouse) -> Handoff:
    task = await runtime.task("task.one")
    return (await runtime.handoffs.get(runtime.operator, task.handoff_id)).handoff


async def a_moment_later(runtime: AssignmentHouse) -> None:
    runtime.clock.advance(2)
    await runtime.work()


async def decline(runtime: AssignmentHouse, handoff: Handoff) -> None:
    assert handoff.offer is not None
    await runtime.handoffs.decline(
        runtime.agent("agent.b"),
        handoff_id=handoff.handoff_id,
        offer_id=handoff.offer.offer_id,
        why="busy",
    )


async def test_a_failed_offer_does_not_give_the_task_back_to_a_source_that_retires(
    runtime: AssignmentHouse,
) -> None:
    handoff = await offered(runtime)
    await runtime.handoffs.retire(runtime.operator, Leaving("agent.a", RetirementMode.GRACEFUL))
    await decline(runtime, handoff)
    await runtime.work()
    await a_moment_later(runtime)
    task = await runtime.task("task.one")
    assert (task.status, task.owner_id) == (TaskStatus.MIGRATING, "")
    assert (await open_handoff(runtime)).source_gone
    assert runtime.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    runtime.registry.join("agent.c")
    await runtime.hasten(runtime.engine)
    await runtime.work()
    await runtime.take_over(await open_handoff(runtime), "agent.c")
    assert (await runtime.task("task.one")).owner_id == "agent.c"


async def test_an_operator_cannot_give_a_task_back_to_a_source_that_retires(
    runtime: AssignmentHouse,
) -> None:
    handoff = await offered(runtime)
    await runtime.handoffs.retire(runtime.operator, Leaving("agent.a", RetirementMode.GRACEFUL))
    with pytest.raises(errors.IllegalTransition):
        await runtime.handoffs.abort(runtime.operator, handoff_id=handoff.handoff_id, why="wait")
    await runtime.take_over(handoff, "agent.b")
    assert (await runtime.task("task.one")).owner_id == "agent.b"


async def test_a_retirement_knows_what_was_on_offer_when_it_began(runtime: AssignmentHouse) -> None:
    handoff = await offered(runtime)
    await runtime.handoffs.retire(runtime.operator, Leaving("agent.a", RetirementMode.GRACEFUL))
    await a_moment_later(runtime)
    assert runtime.registry.people["agent.a"].status is ParticipantStatus.RETIRING
    await runtime.take_over(handoff, "agent.b")
    await a_moment_later(runtime)
    assert runtime.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    assert runtime.registry.records["agent.a"]["handoff_outcomes"] == [
        {
            "task_id": "task.one",
            "outcome": "handed_off",
            "target": "agent.b",
            "handoff_id": handoff.handoff_id,
        }
    ]


async def test_at_its_deadline_a_retiring_source_loses_the_seat_of_a_task_on_offer(
    runtime: AssignmentHouse,
) -> None:
    handoff = await offered(runtime)
    await runtime.handoffs.retire(runtime.operator, Leaving("agent.a", RetirementMode.IMMEDIATE))
    await a_moment_later(runtime)
    assert runtime.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    await runtime.take_over(handoff, "agent.b")
    assert (await runtime.task("task.one")).owner_id == "agent.b"


async def test_a_handoff_given_up_while_its_sources_failure_is_applied_binds_nobody(
    runtime: AssignmentHouse,
) -> None:
    handoff = await offered(runtime)
    row_key = {"tenant": runtime.tenant, "task_id": "task.one"}
    async with held(runtime.admin_url, "assignment.tasks", **row_key) as row:
        abort = asyncio.create_task(
            runtime.handoffs.abort(runtime.operator, handoff_id=handoff.handoff_id, why="wait")
        )
        await row.waited_for_by(1)
        runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
        # The gate is closed in a commit of its own; then its task is waited for.
        apply = asyncio.create_task(runtime.reconcile(runtime.engine))
        await row.waited_for_by(2)
        await row.release()
        refused, _ = await settled(abort, apply)
    assert isinstance(refused, errors.IllegalTransition)
    now = await open_handoff(runtime)
    assert (now.status, now.source_gone) == (HandoffStatus.OFFERED, True)
    await runtime.take_over(now, "agent.b")
