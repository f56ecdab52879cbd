"""Handoffs received and humans waited for, by the SDK on a real socket."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from phoenix_dma import errors
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.v1 import approval_pb2, assignment_pb2
from phoenix_dma.wire.canonical_json import content_hash
from phoenix_dma.wire.conversions import json_of
from phoenix_runtime.core import errors as runtime_errors
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import FakeControlPlane, directive
from tests.support.waiting.until import until


async def test_a_handoff_is_received_proved_and_worked_on_from_the_restored_context(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        assert task.restored
        return (await task.context())["outputs"]

    await join(client)
    control_plane.give(TASK, epoch=3)
    control_plane.tasks[TASK].obligations.add(
        id="decision_rationale", text="…", due="before_complete"
    )
    control_plane.tasks[TASK].obligations.add(
        id="met", text="…", due="before_complete", fulfilled=True
    )
    control_plane.contexts[TASK] = (4, {"outputs": {"batches": 4}})
    offer = directive(
        "receive_handoff", task_id=TASK, epoch=3, handoff_id=f"handoff.{TASK}", offer_id="offer.1"
    )
    await control_plane.send(offer)
    (taken,) = await control_plane.hears("CompleteHandoff")
    assert taken.received_hash == content_hash({"outputs": {"batches": 4}})
    assert list(taken.accepted_obligations) == ["decision_rationale"]
    assert control_plane.all("GetContext")[0].offer_id == "offer.1"
    (completed,) = await control_plane.hears("CompleteTask")
    assert (completed.epoch, json_of(completed.result)) == (4, {"batches": 4})


async def test_an_offer_that_nothing_here_can_work_on_is_declined(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    await join(client)
    control_plane.give(TASK)
    await control_plane.send(
        directive("receive_handoff", task_id=TASK, handoff_id="h", offer_id="o")
    )
    (declined,) = await control_plane.hears("DeclineHandoff")
    assert declined.offer_id == "o"


async def test_an_offer_that_lapsed_is_forgotten_and_acknowledged_with_the_reason(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    client.task_handler()(lambda task: None)
    await join(client)
    control_plane.give(TASK)
    control_plane.refuse["CompleteHandoff"] = [runtime_errors.OfferLapsed("offer.1")]
    await control_plane.send(
        directive("receive_handoff", task_id=TASK, handoff_id="h", offer_id="offer.1")
    )
    (ack,) = await control_plane.hears("directive_ack")
    assert ack.error.startswith("OFFER_LAPSED")


async def test_authorizing_waits_for_the_human_and_asks_again_with_the_same_content(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        leave = await task.authorize(
            "final_action", "merge", domain="customer_master", subject={"merge": ["a", "b"]}
        )
        return {"leave": leave.id}

    control_plane.refuse["AuthorizeAction"] = [
        runtime_errors.ApprovalRequired("approval.1", "sha256:…")
    ]
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("AuthorizeAction")
    await control_plane.hears("directive_ack")
    assert len(control_plane.all("AuthorizeAction")) == 1
    await control_plane.send(directive("approval_decided", facts={"approval_id": "approval.1"}))
    first, second = await control_plane.hears("AuthorizeAction", 2)
    assert first.subject == second.subject
    await control_plane.hears("CompleteTask")


async def test_a_humans_no_is_raised_with_what_the_human_said(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        try:
            await task.authorize("final_action", "merge", subject={"merge": ["a", "b"]})
        except errors.ApprovalRejected as rejected:
            return {"comment": rejected.comment, "by": rejected.decided_by}

    control_plane.approvals["approval.1"] = approval_pb2.Approval(
        approval_id="approval.1",
        action="merge",
        status=approval_pb2.APPROVAL_STATUS_REJECTED,
        comment="different people",
        decided_by="human.steward.jane",
    )
    control_plane.refuse["AuthorizeAction"] = [
        runtime_errors.ApprovalRequired("approval.1", "sha256:…"),
        runtime_errors.PolicyDenied(_denial()),
    ]
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("AuthorizeAction")
    await control_plane.send(directive("approval_decided", facts={"approval_id": "approval.1"}))
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"comment": "different people", "by": "human.steward.jane"}


async def test_authorizing_without_waiting_raises_what_is_waited_for(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        with pytest.raises(errors.ApprovalRequired) as required:
            await task.authorize("final_action", "merge", subject={}, wait=False)
        return {"approval": required.value.approval_id}

    control_plane.refuse["AuthorizeAction"] = [
        runtime_errors.ApprovalRequired("approval.1", "sha256:…")
    ]
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"approval": "approval.1"}


@pytest.mark.parametrize("decided", ["after the answer", "before the answer is here"])
async def test_a_completion_that_a_human_refused_is_worked_on_again(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient, decided: str
) -> None:
    tries = []
    answer = control_plane.on_its_way["CompleteTask"] = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        tries.append([decision.comment for decision in task.approvals])
        if len(tries) == 1:
            control_plane.tasks[TASK].status = assignment_pb2.TASK_STATUS_AWAITING_APPROVAL
        return {"try": len(tries)}

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("CompleteTask")
    if decided == "after the answer":
        answer.set()
        await until(lambda: parked(client))
    control_plane.tasks[TASK].status = assignment_pb2.TASK_STATUS_ACTIVE
    control_plane.resumed = [TASK]
    await control_plane.send(
        directive("approval_decided", task_id=TASK, facts={"approval_id": "approval.1"}),
        directive("checkpoint_task", task_id="task.of.nobody"),
    )
    await control_plane.hears("directive_ack", 2)  # of the start, and of the one that came last
    answer.set()
    _, second = await control_plane.hears("CompleteTask", 2)
    assert json_of(second.result) == {"try": 2}


async def parked(client: AsyncPhoenixClient) -> bool:
    assert client.participant is not None
    execution = client.participant.executions.find(TASK)
    return execution is not None and execution.parked


def _denial() -> Verdict:
    return Verdict(
        effect=Effect.DENY,
        decision_id="opa.dec.1",
        point=DecisionPoint("data.operate"),
        policy="data_operate",
        policy_revision="r",
        input_hash="sha256:…",
        evaluated_at=datetime.now(UTC),
    )
