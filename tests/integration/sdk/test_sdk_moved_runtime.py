"""A runtime that came back with other ports and other keys is found by its profile."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.participant import Leaving
from phoenix_dma.aio.task import AsyncTask
from phoenix_runtime.local.data_folder.profile import Profile, write_profile
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import PARTICIPANT, FakeControlPlane
from tests.support.waiting.until import PATIENCE


@pytest.fixture
async def elsewhere() -> AsyncIterator[FakeControlPlane]:
    """Another one, which knows no credential of the first."""
    control_plane = FakeControlPlane()
    control_plane.issuer, control_plane.enrolment = "other", "another-enrolment-credential"
    await control_plane.open()
    yield control_plane
    await control_plane.shut()


def write(file: Path, control_plane: FakeControlPlane) -> None:
    credential = file.with_name(f"{control_plane.enrolment}.jwt")
    credential.write_text(control_plane.enrolment)
    profile = Profile(
        grpc=control_plane.address, rest="http://127.0.0.1:1", tenant="t", credential=credential
    )
    write_profile(file, profile)


@pytest.fixture
def profile(
    control_plane: FakeControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The file in which a client finds the first one by itself."""
    file = tmp_path / "profile.toml"
    write(file, control_plane)
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(file))
    return file


async def test_an_agent_goes_on_at_a_runtime_that_came_back_elsewhere(
    control_plane: FakeControlPlane, elsewhere: FakeControlPlane, leaving: Leaving, profile: Path
) -> None:
    worked = asyncio.Event()
    async with AsyncPhoenixClient(leaving=leaving) as client:
        client.handlers_complete = lambda: True

        @client.task_handler()
        async def handle(task: AsyncTask) -> str:
            worked.set()
            return task.id

        await join(client)
        await control_plane.shut()
        write(profile, elsewhere)
        await elsewhere.send(elsewhere.give(TASK))
        await asyncio.wait_for(worked.wait(), PATIENCE)
        await elsewhere.hears("CompleteTask")


async def test_a_call_under_way_is_answered_by_the_runtime_that_came_back_elsewhere(
    control_plane: FakeControlPlane, elsewhere: FakeControlPlane, profile: Path
) -> None:
    async with AsyncPhoenixClient() as caller:
        await caller.api.get_participant(PARTICIPANT)
        await control_plane.shut()
        asking = asyncio.create_task(caller.api.get_participant(PARTICIPANT))
        write(profile, elsewhere)
        assert (await asyncio.wait_for(asking, PATIENCE)).id == PARTICIPANT


async def test_a_runtime_with_other_keys_on_the_same_port_is_enrolled_at_by_the_new_profile(
    control_plane: FakeControlPlane, profile: Path
) -> None:
    async with AsyncPhoenixClient() as caller:
        await caller.api.get_participant(PARTICIPANT)
        control_plane.issuer, control_plane.enrolment = "other", "another-enrolment-credential"
        write(profile, control_plane)
        assert (await caller.api.get_participant(PARTICIPANT)).id == PARTICIPANT


async def test_a_profile_that_is_away_for_a_moment_changes_nothing(
    control_plane: FakeControlPlane, profile: Path
) -> None:
    async with AsyncPhoenixClient() as caller:
        await caller.api.get_participant(PARTICIPANT)
        await asyncio.to_thread(profile.write_text, "[addresses]\ngrpc = ")
        control_plane.refuse["GetParticipant"] = [RuntimeError("away")]
        assert (await caller.api.get_participant(PARTICIPANT)).id
        await asyncio.to_thread(profile.unlink)
        control_plane.refuse["GetParticipant"] = [RuntimeError("away")]
        assert (await caller.api.get_participant(PARTICIPANT)).id


async def test_a_proxy_of_the_environment_is_not_asked_for_what_stays_on_the_machine(
    control_plane: FakeControlPlane, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del control_plane, profile
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with AsyncPhoenixClient() as caller:
        assert (await caller.api.get_participant(PARTICIPANT)).id == PARTICIPANT
