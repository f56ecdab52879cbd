"""How the SDK leaves: it drains, hands off, says Goodbye, and retires only when told so."""

import asyncio
import threading

import pytest

from phoenix_dma import errors
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.participant import Leaving
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.task import Task
from phoenix_dma.v1 import handoff_pb2, session_pb2
from phoenix_dma.wire.conversions import json_of
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import PARTICIPANT, FakeControlPlane, directive
from tests.support.waiting.until import PATIENCE


async def test_draining_lets_handlers_end_declines_new_work_and_says_goodbye(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    may_end = threading.Event()

    @client.task_handler()
    def handle(task: Task) -> str:
        may_end.wait(PATIENCE)
        task.checkpoint({"so far": 1})
        return "ended in time"

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("directive_ack")
    draining = asyncio.create_task(client.drain())
    state = session_pb2.HEALTH_STATE_DRAINING
    await control_plane.until(
        lambda: any(b.state == state for beats in control_plane.all("beats") for b in beats.beats)
    )
    may_end.set()
    await draining
    assert [json_of(done.result) for done in control_plane.all("CompleteTask")] == [
        {"value": "ended in time"}
    ]
    await control_plane.hears("goodbye")
    assert not control_plane.all("InitiateHandoff")
    assert not control_plane.all("RetireParticipant")


@pytest.mark.parametrize("leaving", [Leaving(finish_seconds=0.3, hand_off_seconds=10.0)])
async def test_what_does_not_end_in_time_is_handed_off(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        await asyncio.Event().wait()

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("directive_ack")
    draining = asyncio.create_task(client.drain())
    (handed,) = await control_plane.hears("InitiateHandoff")
    assert (handed.task_id, handed.source) == (TASK, PARTICIPANT)
    await control_plane.send(directive("stop_task", task_id=TASK, epoch=1))
    await draining
    await control_plane.hears("goodbye")


async def test_it_retires_on_exit_only_when_asked_to(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    client.retire_on_exit = True
    await join(client)
    await client.drain()
    (retired,) = control_plane.all("RetireParticipant")
    assert retired.participant_id == PARTICIPANT


async def test_a_handler_that_hands_off_keeps_its_task_until_it_has_moved(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        await task.checkpoint({"so far": 1})
        raise errors.HandOff("the shift is over")

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (handed,) = await control_plane.hears("InitiateHandoff")
    assert (handed.source, handed.reason) == (PARTICIPANT, "the shift is over")
    await control_plane.hears("GetHandoff")
    execution = client.participant.executions.find(TASK)  # type: ignore[union-attr]
    assert execution is not None
    assert execution.held
    await control_plane.send(directive("stop_task", task_id=TASK, epoch=1))
    await asyncio.wait_for(execution.job, PATIENCE)  # type: ignore[arg-type]
    assert not control_plane.all("FailTask")
    assert not control_plane.all("CompleteTask")


async def test_where_nobody_may_take_it_the_attempt_ends_to_be_retried(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    def handle(task: Task) -> None:
        raise errors.HandOff

    control_plane.handoff_status = handoff_pb2.HANDOFF_STATUS_DENIED
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (failed,) = await control_plane.hears("FailTask")
    assert failed.retryable
