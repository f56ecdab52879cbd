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


async def offered(house: AssignmentHouse) -> Handoff:
    """A task of agent.a on offer to agent.b; agent.a lives, is fenced, and keeps its seat."""
    house.registry.join("agent.a")
    task = await house.active("task.one")
    await house.handoffs.initiate(house.operator, Initiation("task.one", "agent.a", "requested"))
    house.registry.join("agent.b")
    await house.checkpoint(task)
    await house.work()
    handoff = await open_handoff(house)
    assert handoff.status is HandoffStatus.OFFERED
    assert handoff.source_seated
    return handoff


async def open_handoff(house: AssignmentHouse) -> Handoff:
    task = await house.task("task.one")
    return (await house.handoffs.get(house.operator, task.handoff_id)).handoff


async def a_moment_later(house: AssignmentHouse) -> None:
    house.clock.advance(2)
    await house.work()


async def decline(house: AssignmentHouse, handoff: Handoff) -> None:
    assert handoff.offer is not None
    await house.handoffs.decline(
        house.agent("agent.b"),
        handoff_id=handoff.handoff_id,
        offer_id=handoff.offer.offer_id,
        why="busy",
    )


async def test_a_failed_offer_does_not_give_the_task_back_to_a_source_that_retires(
    house: AssignmentHouse,
) -> None:
    handoff = await offered(house)
    await house.handoffs.retire(house.operator, Leaving("agent.a", RetirementMode.GRACEFUL))
    await decline(house, handoff)
    await house.work()
    await a_moment_later(house)
    task = await house.task("task.one")
    assert (task.status, task.owner_id) == (TaskStatus.MIGRATING, "")
    assert (await open_handoff(house)).source_gone
    assert house.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    house.registry.join("agent.c")
    await house.hasten(house.engine)
    await house.work()
    await house.take_over(await open_handoff(house), "agent.c")
    assert (await house.task("task.one")).owner_id == "agent.c"


async def test_an_operator_cannot_give_a_task_back_to_a_source_that_retires(
    house: AssignmentHouse,
) -> None:
    handoff = await offered(house)
    await house.handoffs.retire(house.operator, Leaving("agent.a", RetirementMode.GRACEFUL))
    with pytest.raises(errors.IllegalTransition):
        await house.handoffs.abort(house.operator, handoff_id=handoff.handoff_id, why="wait")
    await house.take_over(handoff, "agent.b")
    assert (await house.task("task.one")).owner_id == "agent.b"


async def test_a_retirement_knows_what_was_on_offer_when_it_began(house: AssignmentHouse) -> None:
    handoff = await offered(house)
    await house.handoffs.retire(house.operator, Leaving("agent.a", RetirementMode.GRACEFUL))
    await a_moment_later(house)
    assert house.registry.people["agent.a"].status is ParticipantStatus.RETIRING
    await house.take_over(handoff, "agent.b")
    await a_moment_later(house)
    assert house.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    assert house.registry.records["agent.a"]["handoff_outcomes"] == [
        {
            "task_id": "task.one",
            "outcome": "handed_off",
            "target": "agent.b",
            "handoff_id": handoff.handoff_id,
        }
    ]


async def test_at_its_deadline_a_retiring_source_loses_the_seat_of_a_task_on_offer(
    house: AssignmentHouse,
) -> None:
    handoff = await offered(house)
    await house.handoffs.retire(house.operator, Leaving("agent.a", RetirementMode.IMMEDIATE))
    await a_moment_later(house)
    assert house.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    await house.take_over(handoff, "agent.b")
    assert (await house.task("task.one")).owner_id == "agent.b"


async def test_a_handoff_given_up_while_its_sources_failure_is_applied_binds_nobody(
    house: AssignmentHouse,
) -> None:
    handoff = await offered(house)
    row_key = {"tenant": house.tenant, "task_id": "task.one"}
    async with held(house.admin_url, "assignment.tasks", **row_key) as row:
        abort = asyncio.create_task(
            house.handoffs.abort(house.operator, handoff_id=handoff.handoff_id, why="wait")
        )
        await row.waited_for_by(1)
        house.registry.change("agent.a", status=ParticipantStatus.FAILED)
        # The gate is closed in a commit of its own; then its task is waited for.
        apply = asyncio.create_task(house.reconcile(house.engine))
        await row.waited_for_by(2)
        await row.release()
        refused, _ = await settled(abort, apply)
    assert isinstance(refused, errors.IllegalTransition)
    now = await open_handoff(house)
    assert (now.status, now.source_gone) == (HandoffStatus.OFFERED, True)
    await house.take_over(now, "agent.b")
