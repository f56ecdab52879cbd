"""Figure 3 in a process of its own, against a fake control plane on a real socket."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from phoenix_dma.wire.conversions import json_of
from phoenix_runtime.core import errors
from tests.support.fakes.control_plane import ENROLMENT, PARTICIPANT, FakeControlPlane
from tests.support.waiting.until import PATIENCE

ROOT = Path(__file__).parents[3]
FIGURE = ROOT / "examples" / "figure3"
TASK = "task.customer-merge-review.8841"
HERE = (
    f"{PARTICIPANT} is here: granted customer_validation, duplicate_detection, policy_check, "
    "customer_master, read_customer_master, suggest_merge\n"
)
"""All that it says."""
CANDIDATES = json.loads((FIGURE / "task.json").read_text())["input"]


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Heard also where whoever runs the tests ignores it, in the background: that is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
async def control_plane() -> AsyncIterator[FakeControlPlane]:
    control_plane = FakeControlPlane(ttl=20)
    await control_plane.open()
    yield control_plane
    await control_plane.shut()


@pytest.fixture
def profile(control_plane: FakeControlPlane, tmp_path: Path) -> Path:
    (tmp_path / "operator.jwt").write_text(ENROLMENT)
    file = tmp_path / "profile.toml"
    file.write_text(
        f'tenant = "default"\ncredential = "operator.jwt"\n[resolve]\n'
        f'"https://phoenix.example.com" = "{control_plane.address}"\n'
    )
    return file


async def start(profile: Path, *command: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env={**os.environ, "PHOENIX_DMA_PROFILE": str(profile)},
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def running(profile: Path, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The script as a process, which does not outlive the test."""
    process = await start(profile, *command)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, said.decode()


async def test_it_runs_as_printed_works_and_leaves_on_sigterm_without_retiring(
    control_plane: FakeControlPlane, profile: Path
) -> None:
    validators = str(FIGURE / "validators.py")
    figure = str(FIGURE / "figure3.py")
    async with running(
        profile, "-m", "phoenix_dma.cli", "run", figure, "--with", validators
    ) as process:
        await control_plane.send(control_plane.give(TASK, input=CANDIDATES))
        (completed,) = await control_plane.hears("CompleteTask")
        result = json_of(completed.result)
        assert result["duplicates"] == 1
        assert control_plane.contexts[TASK][1]["outputs"] == result
        (registered,) = control_plane.all("RegisterParticipant")
        assert registered.participant.id == PARTICIPANT
        assert process.returncode is None
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == (0, HERE)
    await control_plane.hears("goodbye")
    assert not control_plane.all("RetireParticipant")


async def test_a_script_without_the_command_stays_alive_and_ctrl_c_ends_it_quietly(
    control_plane: FakeControlPlane, profile: Path, tmp_path: Path
) -> None:
    script = tmp_path / "steward.py"
    script.write_text(
        "from phoenix_dma import load_context\n"
        f"import sys; sys.path.insert(0, {str(FIGURE)!r})\n"
        "from validators import validate_customer_candidates\n"
        + (FIGURE / "figure3.py").read_text()
    )
    async with running(profile, str(script)) as process:
        await control_plane.hears("beats", 5)
        await control_plane.send(control_plane.give(TASK, input=CANDIDATES))
        await control_plane.hears("CompleteTask")
        process.send_signal(signal.SIGINT)
        assert await ended(process) == (0, HERE)
    await control_plane.hears("goodbye")


async def test_ctrl_c_is_heard_although_nothing_interrupts_the_main_thread(
    control_plane: FakeControlPlane, profile: Path, tmp_path: Path
) -> None:
    """As where it comes in the moment before the main thread begins to wait."""
    script = tmp_path / "steward.py"
    script.write_text(
        (FIGURE / "figure3.py").read_text()
        + "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\n"
    )
    async with running(profile, str(script)) as process:
        await control_plane.hears("beats", 5)
        process.send_signal(signal.SIGINT)
        assert await ended(process) == (0, HERE)


async def test_handlers_may_use_threads_and_pools_after_the_last_line(
    control_plane: FakeControlPlane, profile: Path, tmp_path: Path
) -> None:
    script = tmp_path / "steward.py"
    script.write_text(
        "import asyncio, concurrent.futures\n"
        + (FIGURE / "figure3.py").read_text().partition("@client")[0]
        + "@client.task_handler(capability='customer_validation')\n"
        "def threads(task):\n"
        "    with concurrent.futures.ThreadPoolExecutor() as pool:\n"
        "        return list(pool.map(len, ['a', 'bb']))\n"
        "@client.task_handler(capability='policy_check')\n"
        "async def pools(task):\n"
        "    return await asyncio.to_thread(len, 'ccc')\n"
    )
    async with running(profile, str(script)) as process:
        await control_plane.hears("beats", 5)
        policy = control_plane.give("task.pools", required_capabilities=["policy_check"])
        await control_plane.send(control_plane.give("task.threads"), policy)
        done = {c.task_id: json_of(c.result) for c in await control_plane.hears("CompleteTask", 2)}
        assert done == {"task.threads": {"value": [1, 2]}, "task.pools": {"value": 3}}
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == (0, HERE)


async def test_a_script_that_catches_an_exception_and_ends_well_stays_alive(
    control_plane: FakeControlPlane, profile: Path, tmp_path: Path
) -> None:
    script = tmp_path / "steward.py"
    script.write_text(
        (FIGURE / "figure3.py").read_text()
        + "\nimport contextlib\nwith contextlib.suppress(ValueError):\n    raise ValueError\n"
    )
    async with running(profile, str(script)) as process:
        await control_plane.hears("beats", 15)
        assert process.returncode is None
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == (0, HERE)


async def test_a_script_that_crashes_is_not_kept_alive(
    control_plane: FakeControlPlane, profile: Path, tmp_path: Path
) -> None:
    script = tmp_path / "steward.py"
    script.write_text((FIGURE / "figure3.py").read_text() + "\nraise ValueError('a bug')\n")
    code, said = await ended(await start(profile, str(script)))
    assert code == 1
    assert "ValueError: a bug" in said
    await control_plane.hears("goodbye")


async def test_a_script_without_handlers_ends_by_itself(
    control_plane: FakeControlPlane, profile: Path, tmp_path: Path
) -> None:
    script = tmp_path / "visitor.py"
    script.write_text((FIGURE / "figure3.py").read_text().partition("@client")[0])
    assert await ended(await start(profile, str(script))) == (0, HERE)
    await control_plane.hears("goodbye")


async def test_a_script_whose_participant_may_not_join_says_why_and_what_to_do(
    control_plane: FakeControlPlane, profile: Path, tmp_path: Path
) -> None:
    control_plane.refuse["RegisterParticipant"] = [
        errors.NotPermitted("not this owner", remedy="Name it.")
    ]
    script = tmp_path / "steward.py"
    script.write_text((FIGURE / "figure3.py").read_text())
    code, said = await ended(await start(profile, str(script)))
    assert code == 1
    assert "NotPermitted: not this owner" in said
