"""A fake control plane, and a client of the SDK that finds it by its profile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.participant import Leaving
from phoenix_dma.profile import Profile
from tests.support.fakes.control_plane import ENROLMENT, FakeControlPlane


@pytest.fixture
async def control_plane() -> AsyncIterator[FakeControlPlane]:
    control_plane = FakeControlPlane()
    await control_plane.open()
    yield control_plane
    await control_plane.shut()


@pytest.fixture
def leaving() -> Leaving:
    """What ends by itself is waited for as long as it takes; a test may have less patience."""
    return Leaving(finish_seconds=10.0, hand_off_seconds=10.0)


@pytest.fixture
async def client(
    control_plane: FakeControlPlane, leaving: Leaving, tmp_path: Path
) -> AsyncIterator[AsyncPhoenixClient]:
    credential = tmp_path / "operator.jwt"
    credential.write_text(ENROLMENT)
    profile = Profile(grpc=control_plane.address, credential=credential)
    async with AsyncPhoenixClient(profile=profile, leaving=leaving) as client:
        client.handlers_complete = lambda: True
        yield client
