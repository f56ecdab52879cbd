"""Tasks in the hands of the SDK: started, worked on, told to the runtime; on a real socket."""

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest

from phoenix_dma import errors
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.task import Task
from phoenix_dma.v1 import assignment_pb2
from phoenix_dma.wire.conversions import json_of
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import FakeControlPlane, directive
from tests.support.waiting.until import PATIENCE


async def test_a_task_is_started_worked_on_checkpointed_and_completed(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler(capability="customer_validation")
    async def handle(task: AsyncTask) -> dict[str, Any]:
        context = await task.context()
        await task.checkpoint({"checked": len(context["records"])})
        await task.checkpoint({"checked": 2}, decisions=["a rationale"])
        return {"duplicates": 1}

    await join(client)
    await control_plane.send(control_plane.give(TASK, input={"records": [1, 2]}))
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"duplicates": 1}
    assert [c.base_version for c in control_plane.all("CheckpointContext")] == [0, 1]
    assert control_plane.contexts[TASK][1] == {
        "objective": "Validate duplicate customer candidates",
        "inputs": {"records": [1, 2]},
        "outputs": {"checked": 2},
        "decisions": ["a rationale"],
    }
    (ack,) = await control_plane.hears("directive_ack")
    assert (ack.directive_id, ack.error, ack.slot) == (f"directive.start_task.{TASK}.1", "", 7)


@pytest.mark.parametrize(("says", "reads"), [(["customer_validation"], 0), ([], 1)])
async def test_a_task_is_read_before_its_start_only_where_the_directive_does_not_say_what_it_needs(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient, says: list[str], reads: int
) -> None:
    @client.task_handler(capability="customer_validation")
    async def handle(task: AsyncTask) -> dict[str, Any]:
        return {}

    await join(client)
    order = control_plane.give(TASK)
    order.required_capabilities.extend(says)
    await control_plane.send(order)
    await control_plane.hears("CompleteTask")
    assert len(control_plane.all("GetTask")) == reads


async def test_a_directive_that_comes_twice_is_carried_out_once_and_acknowledged_twice(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    await join(client)
    order = control_plane.give(TASK)
    await control_plane.send(order)
    await control_plane.hears("directive_ack")
    await control_plane.send(order)
    await control_plane.hears("directive_ack", 2)
    assert len(control_plane.all("DeclineTask")) == 1


async def test_a_task_without_a_handler_is_declined(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    client.task_handler(capability="record_merge")(lambda task: None)
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (declined,) = await control_plane.hears("DeclineTask")
    assert "no handler" in declined.reason
    assert not control_plane.all("StartTask")


async def test_a_task_waits_for_a_handler_while_the_program_still_registers_them(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    client.handlers_complete = lambda: False
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("GetTask")
    client.task_handler(capability="customer_validation")(lambda task: 7)
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"value": 7}


async def test_an_exception_fails_the_attempt_and_may_be_retried_unless_it_says_otherwise(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    def handle(task: Task) -> None:
        if task.id == "task.final":
            raise errors.TaskFailure("the records cannot be read")
        raise ZeroDivisionError("by zero")

    await join(client)
    await control_plane.send(control_plane.give("task.retryable"), control_plane.give("task.final"))
    await control_plane.hears("FailTask", 2)
    failed = {request.task_id: request for request in control_plane.all("FailTask")}
    assert failed["task.retryable"].retryable
    assert failed["task.retryable"].message == "ZeroDivisionError: by zero"
    assert not failed["task.final"].retryable
    assert failed["task.final"].message == "the records cannot be read"


async def test_an_asynchronous_handler_is_cancelled_when_its_task_is_stopped(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
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
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("directive_ack")
    await control_plane.send(directive("stop_task", task_id=TASK, epoch=1))
    await asyncio.wait_for(cancelled.wait(), PATIENCE)
    await control_plane.hears("directive_ack", 2)
    assert not control_plane.all("FailTask")
    assert not control_plane.all("CompleteTask")


async def test_a_stop_for_an_older_epoch_leaves_a_newer_lease_alone(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    go_on = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        await go_on.wait()

    await join(client)
    await control_plane.send(control_plane.give(TASK, epoch=5))
    await control_plane.hears("directive_ack")
    await control_plane.send(directive("stop_task", task_id=TASK, epoch=4))
    await control_plane.hears("directive_ack", 2)
    go_on.set()
    (completed,) = await control_plane.hears("CompleteTask")
    assert completed.epoch == 5


async def test_a_stop_that_overtakes_the_answer_to_a_start_lets_nobody_begin(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    begun = []

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        begun.append(task.epoch)

    answer = control_plane.on_its_way["StartTask"] = asyncio.Event()
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("StartTask")
    await control_plane.send(directive("stop_task", task_id=TASK, epoch=1))
    await control_plane.hears("directive_ack")
    answer.set()
    await control_plane.hears("directive_ack", 2)
    await control_plane.send(control_plane.give(TASK, epoch=2))
    (completed,) = await control_plane.hears("CompleteTask")
    assert (begun, completed.epoch) == ([2], 2)


async def test_a_request_for_a_checkpoint_that_overtakes_the_answer_to_a_start_is_heard(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        return {"wanted": task.checkpoint_wanted}

    answer = control_plane.on_its_way["StartTask"] = asyncio.Event()
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("StartTask")
    await control_plane.send(directive("checkpoint_task", task_id=TASK, epoch=1))
    await control_plane.hears("directive_ack")
    answer.set()
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"wanted": True}


async def test_a_synchronous_handler_sees_it_and_its_next_checkpoint_raises(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    working, seen = threading.Event(), []

    @client.task_handler()
    def handle(task: Task) -> None:
        working.set()
        task.aio.lease.ended.wait(5)
        seen.append(task.cancelled)
        try:
            task.checkpoint({"late": True})
        except errors.AssignmentLost as lost:
            seen.append(lost.reason)
            raise

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await asyncio.to_thread(working.wait, 5)
    await control_plane.send(directive("stop_task", task_id=TASK, epoch=1))
    execution = client.participant.executions.find(TASK)  # type: ignore[union-attr]
    assert execution is not None
    assert execution.job is not None
    await asyncio.wait_for(execution.job, PATIENCE)
    assert seen == [True, "STALE_ASSIGNMENT"]
    assert not control_plane.all("CheckpointContext")


async def test_a_stale_epoch_ends_the_lease_everywhere_at_once(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    lost = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        control_plane.tasks[TASK].assignment.epoch = 2
        with suppress(asyncio.CancelledError):
            with pytest.raises(errors.AssignmentLost) as refused:
                await task.checkpoint(1)
            assert refused.value.facts["current_epoch"] == "2"
        assert task.cancelled
        lost.set()

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await asyncio.wait_for(lost.wait(), PATIENCE)
    await control_plane.hears("directive_ack")
    assert not control_plane.all("CompleteTask")


async def test_a_completion_is_reported_even_if_the_runtime_was_away_meanwhile(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    control_plane.ttl = 30
    client.task_handler()(lambda task: 1)
    await join(client)
    client.transport.patience = 0.0  # for a single call: one try
    control_plane.refuse["CompleteTask"] = [RuntimeError("away")] * 3
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("CompleteTask", 4)
    assert control_plane.tasks[TASK].status == assignment_pb2.TASK_STATUS_SUCCEEDED


async def test_a_directive_that_fails_here_is_answered_with_the_reason(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(task_id: str) -> None:
        raise ZeroDivisionError("a mistake of ours")

    await join(client)
    assert client.participant is not None
    monkeypatch.setattr(client.participant.executions, "find", fail)
    await control_plane.send(control_plane.give(TASK))
    (ack,) = await control_plane.hears("directive_ack")
    assert ack.error == "ZeroDivisionError: a mistake of ours"
