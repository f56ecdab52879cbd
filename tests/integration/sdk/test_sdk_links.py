"""A connection whose packets vanish without a word is replaced while the lease still stands."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.keepalive import stream
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.profile import Profile
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import ENROLMENT, FakeControlPlane
from tests.support.processes.fault_proxy import FaultProxy

LEASE = 20.0
"""Shorter than the 25 seconds after which gRPC finds out by itself."""


@pytest.fixture
async def proxy(control_plane: FakeControlPlane) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(control_plane.address) as proxy:
        yield proxy


@pytest.fixture
async def distant(
    control_plane: FakeControlPlane,
    proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[AsyncPhoenixClient]:
    """A client whose connections lead through the proxy, with a second of patience."""
    monkeypatch.setattr(stream, "UNANSWERED_PART", 0.05)
    control_plane.ttl, control_plane.interval = LEASE, 0.2
    credential = tmp_path / "operator.jwt"
    credential.write_text(ENROLMENT)
    profile = Profile(grpc=proxy.address, credential=credential)
    async with AsyncPhoenixClient(profile=profile) as client:
        client.handlers_complete = lambda: True
        yield client


async def test_a_connection_that_vanished_costs_no_lease_and_no_task(
    control_plane: FakeControlPlane, proxy: FaultProxy, distant: AsyncPhoenixClient
) -> None:
    go_on = asyncio.Event()

    @distant.task_handler()
    async def handle(task: AsyncTask) -> str:
        await go_on.wait()
        await task.checkpoint({"so far": 1})
        return "done"

    await join(distant)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("directive_ack")
    proxy.forget()
    await control_plane.hears("attach", 2)
    go_on.set()
    await control_plane.hears("CompleteTask")
    assert len(control_plane.all("RegisterParticipant")) == 1
    assert len(control_plane.all("ResumeTasks")) == 1  # the one after registering


async def test_a_runtime_that_fell_silent_is_tried_again_on_a_new_connection(
    control_plane: FakeControlPlane, proxy: FaultProxy, distant: AsyncPhoenixClient
) -> None:
    await join(distant)
    connections = proxy.accepted
    control_plane.answering_beats = False
    await control_plane.hears("attach", 2)
    control_plane.answering_beats = True
    beats = len(control_plane.all("beats"))
    await control_plane.hears("beats", beats + 3)
    assert proxy.accepted >= connections + 1
