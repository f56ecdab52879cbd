"""The asynchronous SDK against a small house on a real socket."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from phoenix_dma import errors
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.member import Leaving
from phoenix_dma.aio.session import Loss
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.canonical import content_hash
from phoenix_dma.plain import json_of
from phoenix_dma.profile import Profile
from phoenix_dma.task import Task
from phoenix_dma.v1 import approval_pb2, assignment_pb2, session_pb2
from phoenix_runtime.core import errors as house_errors
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict
from tests.support.small_house import ENROLMENT, PARTICIPANT, SmallHouse, directive

TASK = "task.customer-merge-review.8841"


@pytest.fixture
async def house() -> AsyncIterator[SmallHouse]:
    house = SmallHouse()
    await house.open()
    yield house
    await house.shut()


@pytest.fixture
async def client(house: SmallHouse, tmp_path: Path) -> AsyncIterator[AsyncPhoenixClient]:
    credential = tmp_path / "operator.jwt"
    credential.write_text(ENROLMENT)
    profile = Profile(grpc=house.address, credential=credential)
    leaving = Leaving(finish_seconds=0.3, hand_off_seconds=0.3)
    async with AsyncPhoenixClient(profile=profile, leaving=leaving) as client:
        client.handlers_complete = lambda: True
        yield client


async def join(client: AsyncPhoenixClient, **fields: Any) -> None:
    await client.register_participant(
        id=PARTICIPANT,
        type="agent",
        owner="data-governance",
        capabilities=["customer_validation"],
        **fields,
    )


async def test_a_task_is_started_worked_on_checkpointed_and_completed(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    @client.task_handler(capability="customer_validation")
    async def handle(task: AsyncTask) -> dict[str, Any]:
        context = await task.context()
        await task.checkpoint({"checked": len(context["records"])})
        await task.checkpoint({"checked": 2}, decisions=["a rationale"])
        return {"duplicates": 1}

    await join(client)
    await house.send(house.give(TASK, input={"records": [1, 2]}))
    (completed,) = await house.hears("CompleteTask")
    assert json_of(completed.result) == {"duplicates": 1}
    assert [c.base_version for c in house.all("CheckpointContext")] == [0, 1]
    assert house.contexts[TASK][1] == {
        "objective": "Validate duplicate customer candidates",
        "inputs": {"records": [1, 2]},
        "outputs": {"checked": 2},
        "decisions": ["a rationale"],
    }
    (ack,) = await house.hears("directive_ack")
    assert (ack.directive_id, ack.error, ack.slot) == (f"directive.start_task.{TASK}.1", "", 7)


async def test_every_mutation_carries_a_request_id_and_a_lost_answer_is_asked_for_again_by_it(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    house.refuse["RegisterParticipant"] = [RuntimeError("away"), RuntimeError("away")]
    await join(client)
    tries = house.all("RegisterParticipant")
    assert len(tries) == 3
    assert len({request.request_id for request in tries}) == 1
    assert tries[0].request_id.startswith("request.")


async def test_a_directive_that_comes_twice_is_carried_out_once_and_acknowledged_twice(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    await join(client)
    order = house.give(TASK)
    await house.send(order)
    await house.hears("directive_ack")
    await house.send(order)
    await house.hears("directive_ack", 2)
    assert len(house.all("DeclineTask")) == 1


async def test_a_task_without_a_handler_is_declined(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    client.task_handler(capability="record_merge")(lambda task: None)
    await join(client)
    await house.send(house.give(TASK))
    (declined,) = await house.hears("DeclineTask")
    assert "no handler" in declined.reason
    assert not house.all("StartTask")


async def test_a_task_waits_for_a_handler_while_the_program_still_registers_them(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    client.handlers_complete = lambda: False
    await join(client)
    await house.send(house.give(TASK))
    await house.hears("GetTask")
    client.task_handler(capability="customer_validation")(lambda task: 7)
    (completed,) = await house.hears("CompleteTask")
    assert json_of(completed.result) == {"value": 7}


async def test_an_exception_fails_the_attempt_and_may_be_retried_unless_it_says_otherwise(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    def handle(task: Task) -> None:
        if task.id == "task.final":
            raise errors.TaskFailure("the records cannot be read")
        raise ZeroDivisionError("by zero")

    await join(client)
    await house.send(house.give("task.retryable"), house.give("task.final"))
    await house.hears("FailTask", 2)
    failed = {request.task_id: request for request in house.all("FailTask")}
    assert failed["task.retryable"].retryable
    assert failed["task.retryable"].message == "ZeroDivisionError: by zero"
    assert not failed["task.final"].retryable
    assert failed["task.final"].message == "the records cannot be read"


async def test_an_asynchronous_handler_is_cancelled_when_its_task_is_stopped(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    cancelled = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert task.cancelled
            cancelled.set()
            raise

    await join(client)
    await house.send(house.give(TASK))
    await house.hears("directive_ack")
    await house.send(directive("stop_task", task_id=TASK, epoch=1))
    await asyncio.wait_for(cancelled.wait(), 5)
    await house.hears("directive_ack", 2)
    assert not house.all("FailTask")
    assert not house.all("CompleteTask")


async def test_a_stop_for_an_older_epoch_leaves_a_newer_hold_alone(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    go_on = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        await go_on.wait()

    await join(client)
    await house.send(house.give(TASK, epoch=5))
    await house.hears("directive_ack")
    await house.send(directive("stop_task", task_id=TASK, epoch=4))
    await house.hears("directive_ack", 2)
    go_on.set()
    (completed,) = await house.hears("CompleteTask")
    assert completed.epoch == 5


async def test_a_synchronous_handler_is_told_and_its_next_checkpoint_raises(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    working, seen = threading.Event(), []

    @client.task_handler()
    def handle(task: Task) -> None:
        working.set()
        task.aio.hold.ended.wait(5)
        seen.append(task.cancelled)
        try:
            task.checkpoint({"late": True})
        except errors.AssignmentLost as lost:
            seen.append(lost.reason)
            raise

    await join(client)
    await house.send(house.give(TASK))
    await asyncio.to_thread(working.wait, 5)
    await house.send(directive("stop_task", task_id=TASK, epoch=1))
    run = client.member.runs.find(TASK)  # type: ignore[union-attr]
    assert run is not None
    assert run.work is not None
    await asyncio.wait_for(run.work, 5)
    assert seen == [True, "STALE_ASSIGNMENT"]
    assert not house.all("CheckpointContext")


async def test_a_stale_epoch_ends_the_hold_everywhere_at_once(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    lost = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        house.tasks[TASK].assignment.epoch = 2
        with suppress(asyncio.CancelledError):
            with pytest.raises(errors.AssignmentLost) as refused:
                await task.checkpoint(1)
            assert refused.value.facts["current_epoch"] == "2"
        assert task.cancelled
        lost.set()

    await join(client)
    await house.send(house.give(TASK))
    await asyncio.wait_for(lost.wait(), 5)
    await house.hears("directive_ack")
    assert not house.all("CompleteTask")


async def test_writes_stop_and_handlers_are_told_before_a_ttl_without_acknowledgement_is_over(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    house.ttl, house.interval = 0.6, 0.05
    told = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.set()

    await join(client)
    await house.send(house.give(TASK))
    await house.hears("directive_ack")
    await house.shut()
    await asyncio.wait_for(told.wait(), 5)
    assert not client.member.session.lease.holds  # type: ignore[union-attr]


async def test_after_a_mere_reconnect_the_handler_works_on_and_nothing_is_resumed(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    go_on = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> str:
        await go_on.wait()
        return "done"

    house.ttl = 10
    await join(client)
    await house.send(house.give(TASK))
    await house.hears("directive_ack")
    await house.cut()
    await house.hears("attach", 2)
    go_on.set()
    await house.hears("CompleteTask")
    assert len(house.all("RegisterParticipant")) == 1
    assert len(house.all("ResumeTasks")) == 1  # the one after registering


async def test_what_was_lost_in_silence_is_resumed_after_the_return_from_its_newest_context(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    house.ttl, house.interval = 0.5, 0.05
    begun: list[tuple[int, bool]] = []
    lost = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> str:
        begun.append((task.version, task.restored))
        if not task.restored:
            await task.checkpoint({"batch": 1})
            try:
                await asyncio.Event().wait()
            finally:
                lost.set()
        return f"continued from {(await task.context())['outputs']['batch']}"

    await join(client)
    await house.send(house.give(TASK))
    await house.hears("CheckpointContext")
    house.resumed = [TASK]
    house.answering_beats = False
    await asyncio.wait_for(lost.wait(), 5)
    house.answering_beats = True
    (completed,) = await house.hears("CompleteTask")
    assert json_of(completed.result) == {"value": "continued from 1"}
    assert begun == [(0, False), (1, True)]
    assert completed.epoch == 1


async def test_a_task_that_is_started_while_others_are_resumed_is_not_taken_for_lost(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    go_on = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> str:
        await go_on.wait()
        return "done"

    house.resuming = asyncio.Event()
    await join(client)
    await house.hears("ResumeTasks")
    await house.send(house.give(TASK))
    await house.hears("directive_ack")
    house.resuming.set()
    await house.hears("beats", len(house.all("beats")) + 2)
    go_on.set()
    await house.hears("CompleteTask")


async def test_an_expired_participant_registers_again_and_resumes_under_the_new_epoch(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    epochs: list[int] = []

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        epochs.append(task.epoch)
        if task.epoch == 1:
            await asyncio.Event().wait()

    await join(client)
    await house.send(house.give(TASK))
    await house.hears("directive_ack")
    house.tasks[TASK].assignment.epoch = 2
    house.resumed = [TASK]
    expired = session_pb2.LEASE_LOST_REASON_EXPIRED
    await house.send(session_pb2.LeaseLost(slot=7, reason=expired))
    (completed,) = await house.hears("CompleteTask")
    assert (epochs, completed.epoch) == ([1, 2], 2)
    assert [attach.generation for attach in house.all("attach")] == [1, 2]
    assert [resume.generation for resume in house.all("ResumeTasks")] == [1, 2]


async def test_register_again_is_followed(house: SmallHouse, client: AsyncPhoenixClient) -> None:
    await join(client)
    await house.send(directive("register_again"))
    await house.hears("attach", 2)
    assert [attach.generation for attach in house.all("attach")] == [1, 2]


async def test_a_superseded_participant_does_not_come_back(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    await join(client)
    living = client.member.appear()  # type: ignore[union-attr]
    superseded = session_pb2.LEASE_LOST_REASON_SUPERSEDED
    await house.send(session_pb2.LeaseLost(slot=7, reason=superseded))
    assert await asyncio.wait_for(asyncio.shield(living), 5) is Loss.SUPERSEDED
    assert len(house.all("attach")) == 1


async def test_an_attach_with_a_credential_that_is_not_taken_is_tried_with_a_new_one(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    house.attach_refusal = session_pb2.LEASE_LOST_REASON_CREDENTIAL
    await join(client)
    first, second = await house.hears("attach", 2)
    assert first.credential != second.credential


async def test_a_credential_is_renewed_in_time_and_brought_onto_the_stream(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    house.life = 2.5
    await join(client)
    (refresh,) = await house.hears("refresh")
    assert refresh.credential == f"token.{house.enrolments}"
    assert house.all("RenewCredential")
    assert len(house.all("Enrol")) == 1


async def test_a_handoff_is_received_proved_and_worked_on_from_the_restored_context(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        assert task.restored
        return (await task.context())["outputs"]

    await join(client)
    house.give(TASK, epoch=3)
    house.tasks[TASK].obligations.add(id="decision_rationale", text="…", due="before_complete")
    house.tasks[TASK].obligations.add(id="met", text="…", due="before_complete", fulfilled=True)
    house.contexts[TASK] = (4, {"outputs": {"batches": 4}})
    offer = directive(
        "receive_handoff", task_id=TASK, epoch=3, handoff_id=f"handoff.{TASK}", offer_id="offer.1"
    )
    await house.send(offer)
    (taken,) = await house.hears("CompleteHandoff")
    assert taken.received_hash == content_hash({"outputs": {"batches": 4}})
    assert list(taken.accepted_obligations) == ["decision_rationale"]
    assert house.all("GetContext")[0].offer_id == "offer.1"
    (completed,) = await house.hears("CompleteTask")
    assert (completed.epoch, json_of(completed.result)) == (4, {"batches": 4})


async def test_an_offer_that_nothing_here_can_work_on_is_declined(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    await join(client)
    house.give(TASK)
    await house.send(directive("receive_handoff", task_id=TASK, handoff_id="h", offer_id="o"))
    (declined,) = await house.hears("DeclineHandoff")
    assert declined.offer_id == "o"


async def test_an_offer_that_lapsed_is_forgotten_and_acknowledged_with_the_reason(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    client.task_handler()(lambda task: None)
    await join(client)
    house.give(TASK)
    house.refuse["CompleteHandoff"] = [house_errors.OfferLapsed("offer.1")]
    await house.send(directive("receive_handoff", task_id=TASK, handoff_id="h", offer_id="offer.1"))
    (ack,) = await house.hears("directive_ack")
    assert ack.error.startswith("OFFER_LAPSED")


async def test_authorizing_waits_for_the_human_and_asks_again_with_the_same_content(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        leave = await task.authorize(
            "final_action", "merge", domain="customer_master", subject={"merge": ["a", "b"]}
        )
        return {"leave": leave.id}

    house.refuse["AuthorizeAction"] = [house_errors.ApprovalRequired("approval.1", "sha256:…")]
    await join(client)
    await house.send(house.give(TASK))
    await house.hears("AuthorizeAction")
    await house.hears("directive_ack")
    assert len(house.all("AuthorizeAction")) == 1
    await house.send(directive("approval_decided", facts={"approval_id": "approval.1"}))
    first, second = await house.hears("AuthorizeAction", 2)
    assert first.subject == second.subject
    await house.hears("CompleteTask")


async def test_a_humans_no_is_raised_with_what_the_human_said(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        try:
            await task.authorize("final_action", "merge", subject={"merge": ["a", "b"]})
        except errors.ApprovalRejected as rejected:
            return {"comment": rejected.comment, "by": rejected.decided_by}

    house.approvals["approval.1"] = approval_pb2.Approval(
        approval_id="approval.1",
        action="merge",
        status=approval_pb2.APPROVAL_STATUS_REJECTED,
        comment="different people",
        decided_by="human.steward.jane",
    )
    house.refuse["AuthorizeAction"] = [
        house_errors.ApprovalRequired("approval.1", "sha256:…"),
        house_errors.PolicyDenied(_denial()),
    ]
    await join(client)
    await house.send(house.give(TASK))
    await house.hears("AuthorizeAction")
    await house.send(directive("approval_decided", facts={"approval_id": "approval.1"}))
    (completed,) = await house.hears("CompleteTask")
    assert json_of(completed.result) == {"comment": "different people", "by": "human.steward.jane"}


async def test_authorizing_without_waiting_raises_what_is_waited_for(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        with pytest.raises(errors.ApprovalRequired) as required:
            await task.authorize("final_action", "merge", subject={}, wait=False)
        return {"approval": required.value.approval_id}

    house.refuse["AuthorizeAction"] = [house_errors.ApprovalRequired("approval.1", "sha256:…")]
    await join(client)
    await house.send(house.give(TASK))
    (completed,) = await house.hears("CompleteTask")
    assert json_of(completed.result) == {"approval": "approval.1"}


async def test_a_completion_that_a_human_refused_is_worked_on_again(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    tries = []

    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        tries.append([decision.comment for decision in task.approvals])
        if len(tries) == 1:
            house.tasks[TASK].status = assignment_pb2.TASK_STATUS_AWAITING_APPROVAL
        return {"try": len(tries)}

    await join(client)
    await house.send(house.give(TASK))
    await house.hears("CompleteTask")
    await house.hears("beats", len(house.all("beats")) + 2)
    house.tasks[TASK].status = assignment_pb2.TASK_STATUS_ACTIVE
    house.resumed = [TASK]
    await house.send(
        directive("approval_decided", task_id=TASK, facts={"approval_id": "approval.1"})
    )
    _, second = await house.hears("CompleteTask", 2)
    assert json_of(second.result) == {"try": 2}


async def test_draining_lets_handlers_end_declines_new_work_and_says_goodbye(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    def handle(task: Task) -> str:
        task.aio.hold.draining.wait(5)
        task.checkpoint({"so far": 1})
        return "ended in time"

    await join(client)
    await house.send(house.give(TASK))
    await house.hears("directive_ack")
    await client.drain()
    assert [json_of(done.result) for done in house.all("CompleteTask")] == [
        {"value": "ended in time"}
    ]
    await house.hears("goodbye")
    assert not house.all("InitiateHandoff")
    draining = [b.state for beats in house.all("beats") for b in beats.beats]
    assert session_pb2.HEALTH_STATE_DRAINING in draining
    assert not house.all("RetireParticipant")


async def test_what_does_not_end_in_time_is_handed_off(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        await asyncio.Event().wait()

    await join(client)
    await house.send(house.give(TASK))
    await house.hears("directive_ack")
    draining = asyncio.create_task(client.drain())
    (handed,) = await house.hears("InitiateHandoff")
    assert (handed.task_id, handed.source) == (TASK, PARTICIPANT)
    await house.send(directive("stop_task", task_id=TASK, epoch=1))
    await draining
    await house.hears("goodbye")


async def test_it_retires_on_the_way_out_only_when_told_so(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    client.retire_on_exit = True
    await join(client)
    await client.drain()
    (retired,) = house.all("RetireParticipant")
    assert retired.participant_id == PARTICIPANT


async def test_a_completion_is_told_even_if_the_house_was_away_meanwhile(
    house: SmallHouse, client: AsyncPhoenixClient
) -> None:
    house.ttl = 30
    client.task_handler()(lambda task: 1)
    await join(client)
    client.transport.patience = 0.0  # for a single call: one try
    house.refuse["CompleteTask"] = [RuntimeError("away")] * 3
    await house.send(house.give(TASK))
    await house.hears("CompleteTask", 4)
    assert house.tasks[TASK].status == assignment_pb2.TASK_STATUS_SUCCEEDED


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
