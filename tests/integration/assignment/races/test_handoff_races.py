"""Races around one handoff; steered as in `test_bind_races`."""

import asyncio

import pytest

from assignment_svc.domain.handoff import Acceptance, Handoff
from assignment_svc.domain.states import HandoffStatus, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.handoff.complete_handoff import HandoffCompletion
from assignment_svc.usecases.handoff.initiate_handoff import HandoffRequest
from assignment_svc.usecases.tasks.complete_task import TaskResult
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.fakes.policy import deny, everything
from tests.support.servers.assignment_service import AssignmentService
from tests.support.waiting.row_locks import held, settled


async def offered(assignment: AssignmentService, *targets: str) -> tuple[Task, Handoff]:
    """A task whose dead owner's handoff is on offer to the best of ``targets``."""
    assignment.registry.join("agent.a")
    old = await assignment.active("task.one")
    await assignment.checkpoint(old)
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    for cost, name in enumerate(targets, start=1):
        assignment.registry.join(name, cost=float(cost))
    await assignment.reconcile(assignment.engine)
    await assignment.work()
    task = await assignment.task("task.one")
    handoff = (await assignment.handoffs.get(assignment.operator, task.handoff_id)).handoff
    assert handoff.status is HandoffStatus.OFFERED
    return old, handoff


def decline(assignment: AssignmentService, handoff: Handoff, target: str) -> object:
    assert handoff.offer is not None
    return assignment.handoffs.decline(
        assignment.agent(target),
        handoff_id=handoff.handoff_id,
        offer_id=handoff.offer.offer_id,
        why="busy",
    )


async def test_two_handoffs_race_for_one_task_and_there_is_one(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    row_key = {"tenant": assignment.tenant, "task_id": "task.one"}
    asked = HandoffRequest("task.one", "agent.a", "requested")
    async with held(assignment.admin_url, "assignment.tasks", **row_key) as row:
        first = asyncio.create_task(assignment.handoffs.initiate(assignment.operator, asked))
        await row.waited_for_by(1)
        second = asyncio.create_task(
            assignment.handoffs.initiate(assignment.agent("agent.a"), asked)
        )
        await row.waited_for_by(2)
        await row.release()
        await settled(first, second)
    assert (await assignment.story("task.one")).count("HANDOFF_INITIATED") == 1
    assert len((await assignment.evidence()).handoffs) == 1


async def test_a_late_answer_to_a_lapsed_offer_is_refused(assignment: AssignmentService) -> None:
    _, handoff = await offered(assignment, "agent.b", "agent.c")
    assignment.clock.advance(31)
    await assignment.work()
    assert handoff.offer is not None
    with pytest.raises(errors.NotPermitted):
        await assignment.tasks.resolve(assignment.agent("agent.b"), "task.one")
    late = HandoffCompletion(
        handoff.handoff_id, handoff.offer.offer_id, Acceptance(handoff.offer.context_hash, ())
    )
    with pytest.raises(errors.OfferLapsed):
        await assignment.handoffs.complete(assignment.agent("agent.b"), late)
    task = await assignment.task("task.one")
    now = (await assignment.handoffs.get(assignment.operator, task.handoff_id)).handoff
    assert now.offer is not None
    assert now.offer.target == "agent.c"
    await assignment.take_over(now, "agent.c")
    assert (await assignment.task("task.one")).owner_id == "agent.c"


async def test_the_rows_state_decides_about_an_offer_and_not_the_clock(
    assignment: AssignmentService,
) -> None:
    _, handoff = await offered(assignment, "agent.b")
    assignment.clock.advance(31)
    taken = await assignment.take_over(handoff, "agent.b")
    assert taken.handoff.status is HandoffStatus.COMPLETED
    await assignment.work()
    assert (await assignment.task("task.one")).owner_id == "agent.b"


@pytest.mark.parametrize("first", ["complete", "decline"])
async def test_a_target_that_accepts_and_declines_at_once_does_the_first(
    assignment: AssignmentService, first: str
) -> None:
    _, handoff = await offered(assignment, "agent.b")
    steps = [
        lambda: assignment.take_over(handoff, "agent.b"),
        lambda: decline(assignment, handoff, "agent.b"),
    ]
    if first == "decline":
        steps.reverse()
    row_key = {"tenant": assignment.tenant, "task_id": "task.one"}
    async with held(assignment.admin_url, "assignment.tasks", **row_key) as row:
        racing = []
        for number, step in enumerate(steps, start=1):
            racing.append(asyncio.create_task(step()))  # type: ignore[arg-type]
            await row.waited_for_by(number)
        await row.release()
        won, lost = await settled(*racing)
    assert not isinstance(won, Exception)
    assert isinstance(lost, errors.OfferLapsed)
    owner = "agent.b" if first == "complete" else ""
    assert (await assignment.task("task.one")).owner_id == owner


async def test_an_offer_whose_targets_gate_closes_while_policy_is_asked_is_not_completed(
    assignment: AssignmentService,
) -> None:
    _, handoff = await offered(assignment, "agent.b", "agent.c")

    async def the_target_falls() -> None:
        assignment.registry.change("agent.b", status=ParticipantStatus.FAILED)
        await assignment.reconcile(assignment.engine)

    assignment.policy.before[DecisionPoint.ASSIGN] = the_target_falls
    with pytest.raises(errors.OfferLapsed):
        await assignment.take_over(handoff, "agent.b")
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.status is TaskStatus.MIGRATING
    now = (await assignment.handoffs.get(assignment.operator, task.handoff_id)).handoff
    assert now.offer is not None
    assert now.offer.target == "agent.c"


async def test_policy_that_changes_its_mind_withdraws_the_offer(
    assignment: AssignmentService,
) -> None:
    _, handoff = await offered(assignment, "agent.b", "agent.c")

    def answer(point: DecisionPoint, question: dict[str, dict[str, str]]) -> dict[str, object]:
        who = question.get("target", question.get("candidate", {})).get("id")
        return deny("not b any more") if who == "agent.b" else everything(point, question)

    assignment.policy.answer = answer
    with pytest.raises((errors.PolicyDenied, errors.OfferLapsed)):
        await assignment.take_over(handoff, "agent.b")
    await assignment.work()
    task = await assignment.task("task.one")
    now = (await assignment.handoffs.get(assignment.operator, task.handoff_id)).handoff
    assert now.offer is not None
    assert now.offer.target == "agent.c"


async def test_a_target_proves_what_it_received(assignment: AssignmentService) -> None:
    _, handoff = await offered(assignment, "agent.b")
    assert handoff.offer is not None
    wrong = HandoffCompletion(
        handoff.handoff_id, handoff.offer.offer_id, Acceptance("sha256:" + "0" * 64, ())
    )
    with pytest.raises(errors.ContextHashMismatch):
        await assignment.handoffs.complete(assignment.agent("agent.b"), wrong)
    with pytest.raises(errors.NotPermitted):
        await assignment.handoffs.complete(assignment.agent("agent.c"), wrong)


async def test_a_living_source_that_completes_first_ends_its_handoff(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    await assignment.handoffs.initiate(
        assignment.operator, HandoffRequest("task.one", "agent.a", "requested")
    )
    assignment.registry.join("agent.b")

    async def the_source_is_done() -> None:
        await assignment.tasks.complete(
            assignment.agent("agent.a"), TaskResult("task.one", task.epoch, {})
        )

    assignment.policy.before[DecisionPoint.HANDOFF] = the_source_is_done
    await assignment.checkpoint(task)
    await assignment.work()
    assert (await assignment.task("task.one")).status is TaskStatus.SUCCEEDED
    (handoff,) = (await assignment.evidence()).handoffs
    assert handoff.status == "aborted"
