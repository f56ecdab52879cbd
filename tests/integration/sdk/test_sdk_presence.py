"""The SDK's presence: leases, reconnects, credentials, what is lost and what is resumed."""

import asyncio

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.keepalive.attachment import Loss
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.v1 import session_pb2
from phoenix_dma.wire.conversions import json_of
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import FakeControlPlane, directive
from tests.support.waiting.until import PATIENCE


async def test_every_mutation_carries_a_request_id_and_a_lost_answer_is_asked_for_again_by_it(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    control_plane.refuse["RegisterParticipant"] = [RuntimeError("away"), RuntimeError("away")]
    await join(client)
    tries = control_plane.all("RegisterParticipant")
    assert len(tries) == 3
    assert len({request.request_id for request in tries}) == 1
    assert tries[0].request_id.startswith("request.")


async def test_writes_and_handlers_stop_before_a_ttl_without_acknowledgement_is_over(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    control_plane.ttl, control_plane.interval = 2.0, 0.05
    told = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.set()

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("directive_ack")
    await control_plane.shut()
    await asyncio.wait_for(told.wait(), PATIENCE)
    assert not client.participant.attachment.lease.holds  # type: ignore[union-attr]


async def test_after_a_mere_reconnect_the_handler_works_on_and_nothing_is_resumed(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    go_on = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> str:
        await go_on.wait()
        return "done"

    control_plane.ttl = 10
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("directive_ack")
    await control_plane.cut()
    await control_plane.hears("attach", 2)
    go_on.set()
    await control_plane.hears("CompleteTask")
    assert len(control_plane.all("RegisterParticipant")) == 1
    assert len(control_plane.all("ResumeTasks")) == 1  # the one after registering


async def test_what_was_lost_in_silence_is_resumed_after_the_return_from_its_newest_context(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    control_plane.ttl, control_plane.interval = 1.5, 0.05
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
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("CheckpointContext")
    control_plane.resumed = [TASK]
    control_plane.answering_beats = False
    await asyncio.wait_for(lost.wait(), PATIENCE)
    control_plane.answering_beats = True
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"value": "continued from 1"}
    assert begun == [(0, False), (1, True)]
    assert completed.epoch == 1


async def test_every_page_of_what_is_held_is_resumed(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    names = [f"task.{number}" for number in range(5)]
    for name in names:
        control_plane.give(name)
    control_plane.resumed, control_plane.resumed_a_page = names, 2

    @client.task_handler()
    async def handle(task: AsyncTask) -> str:
        return task.id

    await join(client, capacity=5)
    done = await control_plane.hears("CompleteTask", 5)
    assert sorted(one.task_id for one in done) == names
    asked = control_plane.all("ResumeTasks")
    assert [one.page_token for one in asked] == ["", "2", "4"]
    assert len({one.request_id for one in asked}) == 3


async def test_a_task_that_is_started_while_others_are_resumed_is_not_taken_for_lost(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    go_on = asyncio.Event()

    @client.task_handler()
    async def handle(task: AsyncTask) -> str:
        await go_on.wait()
        return "done"

    control_plane.on_its_way["ResumeTasks"] = asyncio.Event()
    await join(client)
    await control_plane.hears("ResumeTasks")
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("directive_ack")
    control_plane.on_its_way["ResumeTasks"].set()
    await control_plane.hears("beats", len(control_plane.all("beats")) + 2)
    go_on.set()
    await control_plane.hears("CompleteTask")


async def test_an_expired_participant_registers_again_and_resumes_under_the_new_epoch(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    epochs: list[int] = []

    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        epochs.append(task.epoch)
        if task.epoch == 1:
            await asyncio.Event().wait()

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("directive_ack")
    control_plane.tasks[TASK].assignment.epoch = 2
    control_plane.resumed = [TASK]
    expired = session_pb2.LEASE_LOST_REASON_EXPIRED
    await control_plane.send(session_pb2.LeaseLost(slot=7, reason=expired))
    (completed,) = await control_plane.hears("CompleteTask")
    assert (epochs, completed.epoch) == ([1, 2], 2)
    assert [attach.generation for attach in control_plane.all("attach")] == [1, 2]
    assert [resume.generation for resume in control_plane.all("ResumeTasks")] == [1, 2]


async def test_register_again_is_followed(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    await join(client)
    await control_plane.send(directive("register_again"))
    await control_plane.hears("attach", 2)
    assert [attach.generation for attach in control_plane.all("attach")] == [1, 2]


async def test_a_superseded_participant_does_not_come_back(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    await join(client)
    living = client.participant.stay_attached()  # type: ignore[union-attr]
    superseded = session_pb2.LEASE_LOST_REASON_SUPERSEDED
    await control_plane.send(session_pb2.LeaseLost(slot=7, reason=superseded))
    assert await asyncio.wait_for(asyncio.shield(living), PATIENCE) is Loss.SUPERSEDED
    assert len(control_plane.all("attach")) == 1


async def test_an_attach_with_a_credential_that_is_not_taken_is_tried_with_a_new_one(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    control_plane.attach_refusal = session_pb2.LEASE_LOST_REASON_CREDENTIAL
    await join(client)
    first, second = await control_plane.hears("attach", 2)
    assert first.credential != second.credential


async def test_a_credential_is_renewed_in_time_and_brought_onto_the_stream(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    control_plane.life = 5.0  # of which the second half is left for a machine that stalls
    await join(client)
    (refresh,) = await control_plane.hears("refresh")
    assert refresh.credential == f"token.{control_plane.enrolments}"
    assert control_plane.all("RenewCredential")
    assert len(control_plane.all("Enrol")) == 1
