"""A handler that blocks the event loop costs no lease, and is told of."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phoenix_dma.aio.keepalive import loop_monitor, stream
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.client import PhoenixClient
from phoenix_dma.profile import Profile
from phoenix_dma.v1 import session_pb2
from tests.support.builders.participants import TASK
from tests.support.fakes.control_plane import ENROLMENT, PARTICIPANT, FakeControlPlane
from tests.support.waiting.until import PATIENCE


@pytest.fixture
async def blocking(control_plane: FakeControlPlane, tmp_path: Path) -> AsyncIterator[PhoenixClient]:
    """A synchronous client: its loop is not the one of the control plane."""
    credential = tmp_path / "operator.jwt"
    credential.write_text(ENROLMENT)
    client = PhoenixClient(profile=Profile(grpc=control_plane.address, credential=credential))
    client.aio.handlers_complete = lambda: True
    yield client
    await asyncio.to_thread(client.close)


def states(control_plane: FakeControlPlane) -> list[int]:
    return [beat.state for beats in control_plane.all("beats") for beat in beats.beats]


async def test_beats_go_on_while_a_handler_blocks_its_loop_and_say_degraded(
    control_plane: FakeControlPlane, blocking: PhoenixClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_monitor, "BLOCKED_SECONDS", 0.2)
    monkeypatch.setattr(stream, "ATTACH_SECONDS", PATIENCE)
    control_plane.ttl, control_plane.interval = 60.0, 0.05
    go_on = threading.Event()

    async def handle(task: AsyncTask) -> str:
        go_on.wait(PATIENCE)  # blocks the loop: nothing awaits
        return "done"

    blocking.aio.handlers.add("", handle)
    await asyncio.to_thread(
        blocking.register_participant,
        id=PARTICIPANT,
        type="agent",
        owner="data-governance",
        capabilities=["customer_validation"],
    )
    await control_plane.send(control_plane.give(TASK))
    await control_plane.until(lambda: session_pb2.HEALTH_STATE_DEGRADED in states(control_plane))
    before = len(control_plane.all("beats"))
    await control_plane.hears("beats", before + 10)
    go_on.set()
    await control_plane.hears("CompleteTask")
    await control_plane.until(lambda: states(control_plane)[-1] == session_pb2.HEALTH_STATE_SERVING)
    assert len(control_plane.all("attach")) == 1
