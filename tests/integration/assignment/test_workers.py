"""The background workers of a running service, as clients over gRPC see them."""

import asyncio
from typing import Any

import grpc.aio

from phoenix_dma.v1 import (
    assignment_pb2,
    handoff_pb2,
)
from phoenix_runtime.core import errors
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.fakes.assignment_peers import (
    needs_human,
)
from tests.support.servers.assignment_wire import REVIEW, WiredAssignment, refused
from tests.support.waiting.until import until


async def take_over(wired: WiredAssignment, handoff: Any) -> Any:
    """The target of the offer receives the context and completes the handoff."""
    request = handoff_pb2.CompleteHandoffRequest(
        handoff_id=handoff.handoff_id,
        offer_id=handoff.offer_id,
        received_hash=handoff.context.hash,
    )
    return await wired.handoffs.CompleteHandoff(request, metadata=wired.agent(handoff.target))


async def test_the_workers_assign_what_was_submitted_and_move_it_when_its_owner_dies(
    wired: WiredAssignment,
) -> None:
    wired.registry.join("agent.a")
    await wired.tasks.SubmitTask(
        assignment_pb2.SubmitTaskRequest(task=REVIEW), metadata=wired.person("submitter")
    )

    async def task() -> Any:
        request = assignment_pb2.GetTaskRequest(task_id=REVIEW.task_id)
        return (await wired.tasks.GetTask(request, metadata=wired.person("operator"))).task

    async def bound() -> bool:
        return (await task()).assignment.participant_id == "agent.a"

    await until(bound)
    wired.registry.change("agent.a", status=type(wired.registry.people["agent.a"].status).FAILED)
    wired.registry.join("agent.b")

    async def offered() -> Any:
        request = handoff_pb2.ListHandoffsRequest(task_id=REVIEW.task_id)
        found = await wired.handoffs.ListHandoffs(request, metadata=wired.person("operator"))
        return next((one for one in found.handoffs if one.offer_id), None)

    handoff = await until(offered)
    assert (handoff.source, handoff.target) == ("agent.a", "agent.b")
    taken = await take_over(wired, handoff)
    assert taken.handoff.status == handoff_pb2.HANDOFF_STATUS_COMPLETED
    assert taken.briefing.task.assignment.epoch > handoff.source_epoch
    late = await refused(
        wired.tasks.StartTask(
            assignment_pb2.StartTaskRequest(task_id=REVIEW.task_id, epoch=1),
            metadata=wired.agent("agent.a"),
        )
    )
    assert isinstance(late, errors.StaleAssignment)


async def test_an_approval_is_followed_by_the_background_workers(wired: WiredAssignment) -> None:
    wired.registry.join("agent.a")
    wired.policy.answer = needs_human(DecisionPoint.ASSIGN)
    parked = await wired.tasks.AssignTask(
        assignment_pb2.AssignTaskRequest(task=REVIEW), metadata=wired.person("submitter")
    )
    assert parked.decision == assignment_pb2.ASSIGNMENT_DECISION_AWAITING_APPROVAL
    assert parked.task.parked.action == "assign"
    wired.approvals.decide(parked.task.parked.approval_id, yes=True)

    async def bound() -> bool:
        request = assignment_pb2.GetTaskRequest(task_id=REVIEW.task_id)
        seen = await wired.tasks.GetTask(request, metadata=wired.person("operator"))
        return bool(seen.task.status == assignment_pb2.TASK_STATUS_ASSIGNED)

    await until(bound)


async def test_sixteen_callers_assign_sixteen_tasks_at_once_to_whoever_has_a_seat(
    wired: WiredAssignment,
) -> None:
    for name in "abcd":
        wired.registry.join(f"agent.{name}", capacity=4)

    async def one(number: int) -> str:
        task = assignment_pb2.TaskDeclaration()
        task.CopyFrom(REVIEW)
        task.task_id, task.context_ref = f"task.{number}", ""
        request = assignment_pb2.AssignTaskRequest(task=task)
        while True:
            try:
                answer = await wired.tasks.AssignTask(request, metadata=wired.person("submitter"))
            except grpc.aio.AioRpcError as error:
                # On a slow machine what was read may grow old in every round: asked again.
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            else:
                return str(answer.participant_id)

    chosen = await asyncio.gather(*(one(number) for number in range(16)))
    assert sorted(chosen) == sorted(f"agent.{name}" for name in "abcd" for _ in range(4))
