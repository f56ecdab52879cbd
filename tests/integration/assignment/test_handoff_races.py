"""Races around one handoff; steered as in `test_interleavings`."""

import asyncio

import pytest

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import HandoffStatus, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.complete_handoff import Completion
from assignment_svc.usecases.complete_task import Result
from assignment_svc.usecases.initiate_handoff import Initiation
from assignment_svc.usecases.offering import Reception
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.assignment_house import AssignmentHouse
from tests.support.policies import deny, everything
from tests.support.row_locks import held, settled


async def offered(runtime: AssignmentHouse, *targets: str) -> tuple[Task, Handoff]:
    """A task whose dead owner's handoff is on offer to the best of ``targets``."""
    runtime.registry.join("agent.a")
    old = await runtime.active("task.one")
    await runtime.checkpoint(old)
    runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
    for cost, name in enumerate(targets, start=1):
        runtime.registry.join(name, cost=float(cost))
    await runtime.reconcile(runtime.engine)
    await runtime.work()
    task = await runtime.task("task.one")
    handoff = (await runtime.handoffs.get(runtime.operator, task.handoff_id)).handoff
    assert handoff.status is HandoffStatus.OFFERED
    return old, handoff


def decline(runtime: AssignmentHouse, handoff: Handoff, target: str) -> object:
    assert handoff.offer is not None
    return runtime.handoffs.decline(
        runtime.agent(target),
        handoff_id=handoff.handoff_id,
        offer_id=handoff.offer.offer_id,
        why="busy",
    )


async def test_two_handoffs_race_for_one_task_and_there_is_one(runtime: AssignmentHouse) -> None:
    runtime.registry.join("agent.a")
    await runtime.active("task.one")
    row_key = {"tenant": runtime.tenant, "task_id": "task.one"}
    asked = Initiation("task.one", "agent.a", "requested")
    async with held(runtime.admin_url, "assignment.tasks", **row_key) as row:
        first = asyncio.create_task(runtime.handoffs.initiate(runtime.operator, asked))
        await row.waited_for_by(1)
        second = asyncio.create_task(runtime.handoffs.initiate(runtime.agent("agent.a"), asked))
        await row.waited_for_by(2)
        await row.release()
        await settled(first, second)
    assert (await runtime.story("task.one")).count("HANDOFF_INITIATED") == 1
    assert len((await runtime.evidence()).handoffs) == 1


async def test_a_late_answer_to_a_lapsed_offer_is_refused(runtime: AssignmentHouse) -> None:
    _, handoff = await offered(runtime, "agent.b", "agent.c")
    runtime.clock.advance(31)
    await runtime.work()
    assert handoff.offer is not None
    with pytest.raises(errors.NotPermitted):
        await runtime.tasks.resolve(runtime.agent("agent.b"), "task.one")
    late = Completion(
        handoff.handoff_id, handoff.offer.offer_id, Reception(handoff.offer.context_hash, ())
    )
    with pytest.raises(errors.OfferLapsed):
        await runtime.handoffs.complete(runtime.agent("agent.b"), late)
    task = await runtime.task("task.one")
    now = (await runtime.handoffs.get(runtime.operator, task.handoff_id)).handoff
    assert now.offer is not None
    assert now.offer.target == "agent.c"
    await runtime.take_over(now, "agent.c")
    assert (await runtime.task("task.one")).owner_id == "agent.c"


async def test_the_rows_state_decides_about_an_offer_and_not_the_clock(
    runtime: AssignmentHouse,
) -> None:
    _, handoff = await offered(runtime, "agent.b")
    runtime.clock.advance(31)
    taken = await runtime.take_over(handoff, "agent.b")
    assert taken.handoff.status is HandoffStatus.COMPLETED
    await runtime.work()
    assert (await runtime.task("task.one")).owner_id == "agent.b"


@pytest.mark.parametrize("first", ["complete", "decline"])
async def test_a_target_that_accepts_and_declines_at_once_does_the_first(
    runtime: AssignmentHouse, first: str
) -> None:
    _, handoff = await offered(runtime, "agent.b")
    steps = [
        lambda: runtime.take_over(handoff, "agent.b"),
        lambda: decline(runtime, handoff, "agent.b"),
    ]
    if first == "decline":
        steps.reverse()
    row_key = {"tenant": runtime.tenant, "task_id": "task.one"}
    async with held(runtime.admin_url, "assignment.tasks", **row_key) as row:
        racing = []
        for number, step in enumerate(steps, start=1):
            racing.append(asyncio.create_task(step()))  # type: ignore[arg-type]
            await row.waited_for_by(number)
        await row.release()
        won, lost = await settled(*racing)
    assert not isinstance(won, Exception)
    assert isinstance(lost, errors.OfferLapsed)
    owner = "agent.b" if first == "complete" else ""
    assert (await runtime.task("task.one")).owner_id == owner


async def test_an_offer_whose_targets_gate_closes_while_policy_is_asked_is_not_completed(
    runtime: AssignmentHouse,
) -> None:
    _, handoff = await offered(runtime, "agent.b", "agent.c")

    async def the_target_falls() -> None:
        runtime.registry.change("agent.b", status=ParticipantStatus.FAILED)
        await runtime.reconcile(runtime.engine)

    runtime.policy.before[DecisionPoint.ASSIGN] = the_target_falls
    with pytest.raises(errors.OfferLapsed):
        await runtime.take_over(handoff, "agent.b")
    await runtime.work()
    task = await runtime.task("task.one")
    assert task.status is TaskStatus.MIGRATING
    now = (await runtime.handoffs.get(runtime.operator, task.handoff_id)).handoff
    assert now.offer is not None
    assert now.offer.target == "agent.c"


async def test_policy_that_changes_its_mind_withdraws_the_offer(runtime: AssignmentHouse) -> None:
    _, handoff = await offered(runtime, "agent.b", "agent.c")

    def answer(point: DecisionPoint, question: dict[str, dict[str, str]]) -> dict[str, object]:
        who = question.get("target", question.get("candidate", {})).get("id")
        return deny("not b any more") if who == "agent.b" else everything(point, question)

    runtime.policy.answer = answer
    with pytest.raises((errors.PolicyDenied, errors.OfferLapsed)):
        await runtime.take_over(handoff, "agent.b")
    await runtime.work()
    task = await runtime.task("task.one")
    now = (await runtime.handoffs.get(runtime.operator, task.handoff_id)).handoff
    assert now.offer is not None
    assert now.offer.target == "agent.c"


async def test_a_target_proves_what_it_received(runtime: AssignmentHouse) -> None:
    _, handoff = await offered(runtime, "agent.b")
    assert handoff.offer is not None
    wrong = Completion(
        handoff.handoff_id, handoff.offer.offer_id, Reception("sha256:" + "0" * 64, ())
    )
    with pytest.raises(errors.ContextHashMismatch):
        await runtime.handoffs.complete(runtime.agent("agent.b"), wrong)
    with pytest.raises(errors.NotPermitted):
        await runtime.handoffs.complete(runtime.agent("agent.c"), wrong)


async def test_a_living_source_that_completes_first_ends_its_handoff(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    task = await runtime.active("task.one")
    await runtime.handoffs.initiate(
        runtime.operator, Initiation("task.one", "agent.a", "requested")
    )
    runtime.registry.join("agent.b")

    async def the_source_is_done() -> None:
        await runtime.tasks.complete(runtime.agent("agent.a"), Result("task.one", task.epoch, {}))

    runtime.policy.before[DecisionPoint.HANDOFF] = the_source_is_done
    await runtime.checkpoint(task)
    await runtime.work()
    assert (await runtime.task("task.one")).status is TaskStatus.SUCCEEDED
    (handoff,) = (await runtime.evidence()).handoffs
    assert handoff.status == "aborted"
