"""What a caller tries that the verbs do not mean."""

import asyncio
from dataclasses import replace

import pytest

from assignment_svc.domain.states import ActionKind, RetirementMode, TaskStatus
from assignment_svc.usecases.authorize_action import Action
from assignment_svc.usecases.complete_handoff import Completion
from assignment_svc.usecases.offering import Reception
from assignment_svc.usecases.retire_participant import Leaving
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from tests.support.assignment_house import AssignmentHouse, declaration
from tests.support.calls import repeatable

LOOKALIKES = [
    "m\u0435rge",  # a Cyrillic letter
    "\uff4derge",
    "mer\u00adge",
    "merge\u200b",
    "merge ",
    " merge",
    "merge\n",
    "",
    "x" * 129,
]


@pytest.mark.parametrize("name", LOOKALIKES, ids=ascii)
async def test_a_name_that_only_looks_like_a_gated_one_is_refused(
    runtime: AssignmentHouse, name: str
) -> None:
    runtime.registry.join("agent.a")
    task = await runtime.active("task.one")
    with pytest.raises(errors.FieldInvalid):
        await runtime.tasks.authorize(
            runtime.agent("agent.a"),
            Action("task.one", task.epoch, ActionKind.FINAL_ACTION, name, {}),
        )


async def test_the_same_content_done_as_something_else_is_told_too(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    task = await runtime.active("task.one")
    read = Action("task.one", task.epoch, ActionKind.DATA_READ, "customers", {"id": 1})
    for action in (
        read,
        read,
        replace(read, kind=ActionKind.DATA_MUTATION),
        replace(read, kind=ActionKind.DATA_MUTATION, domain="customer_master"),
    ):
        await runtime.tasks.authorize(runtime.agent("agent.a"), action)
    told = [
        (event.detail["kind"], event.detail["domain"])
        for event in sorted(
            (await runtime.evidence()).events, key=lambda event: event.aggregate_version
        )
        if event.type == "ACTION_AUTHORIZED"
    ]
    assert told == [
        ("data_read", ""),
        ("data_mutation", ""),
        ("data_mutation", "customer_master"),
    ]


async def test_a_task_without_an_id_is_made_once_however_often_nobody_can_take_it(
    runtime: AssignmentHouse,
) -> None:
    call = repeatable(runtime.submitter, "req.1")

    async def assign() -> None:
        with pytest.raises(errors.NoEligibleParticipant):
            await runtime.tasks.assign(call, declaration())

    await asyncio.gather(*(assign() for _ in range(4)))
    await assign()
    with pytest.raises(errors.RequestIdReused):
        await runtime.tasks.assign(call, declaration(objective="something else"))
    (waiting,) = (await runtime.evidence()).tasks
    assert waiting.status == TaskStatus.PENDING
    runtime.registry.join("agent.a")
    assert (await runtime.tasks.assign(call, declaration())).participant_id == "agent.a"
    assert len((await runtime.evidence()).tasks) == 1


async def test_another_caller_s_request_id_is_another_request(runtime: AssignmentHouse) -> None:
    runtime.registry.join("agent.a", capacity=2)
    for caller in (runtime.submitter, runtime.operator):
        await runtime.tasks.assign(repeatable(caller, "req.1"), declaration())
    assert len((await runtime.evidence()).tasks) == 2


async def test_a_retirement_is_answered_as_its_repetition_will_be(runtime: AssignmentHouse) -> None:
    runtime.registry.join("agent.a")
    remembered: list[object] = []

    def encode(result: object) -> bytes:
        remembered.append(result)
        return b"answer"

    call = repeatable(runtime.operator, "req.1", encode=encode)
    answer = await runtime.handoffs.retire(call, Leaving("agent.a", RetirementMode.IMMEDIATE))
    assert answer.retirement.finished
    assert remembered == [answer]


async def test_a_target_that_has_lost_the_task_since_hears_so_when_it_repeats_its_answer(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    await runtime.checkpoint(await runtime.active("task.one"))
    taken = []
    for owner, target in [("agent.a", "agent.b"), ("agent.b", "agent.c")]:
        runtime.registry.change(owner, status=ParticipantStatus.FAILED)
        runtime.registry.join(target)
        await runtime.reconcile(runtime.engine)
        await runtime.work()
        handoff_id = (await runtime.task("task.one")).handoff_id
        handoff = (await runtime.handoffs.get(runtime.operator, handoff_id)).handoff
        assert handoff.offer is not None
        received = (await runtime.take_over(handoff, target)).handoff.received_hash
        taken.append(Completion(handoff_id, handoff.offer.offer_id, Reception(received, ())))
        repeated = await runtime.handoffs.complete(runtime.agent(target), taken[-1])
        assert repeated.briefing.task.owner_id == target
    with pytest.raises(errors.StaleAssignment):
        await runtime.handoffs.complete(runtime.agent("agent.b"), taken[0])
