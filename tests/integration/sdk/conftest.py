"""A small house, and a client of the SDK that finds it by its profile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.member import Leaving
from phoenix_dma.profile import Profile
from tests.support.small_house import ENROLMENT, SmallHouse


@pytest.fixture
async def house() -> AsyncIterator[SmallHouse]:
    house = SmallHouse()
    await house.open()
    yield house
    await house.shut()


@pytest.fixture
def leaving() -> Leaving:
    """What ends by itself is waited for as long as it takes; a test may have less patience."""
    return Leaving(finish_seconds=10.0, hand_off_seconds=10.0)


@pytest.fixture
async def client(
    house: SmallHouse, leaving: Leaving, tmp_path: Path
) -> AsyncIterator[AsyncPhoenixClient]:
    credential = tmp_path / "operator.jwt"
    credential.write_text(ENROLMENT)
    profile = Profile(grpc=house.address, credential=credential)
    async with AsyncPhoenixClient(profile=profile, leaving=leaving) as client:
        client.handlers_complete = lambda: True
        yield client
