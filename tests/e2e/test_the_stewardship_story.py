"""Section 13 of the paper, as `make demo` plays it, in a runtime of its own."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import pytest

from examples.stewardship.chapters import CHAPTERS
from tests.support.processes.programs import plain_environment

ROOT = Path(__file__).parents[2]
PATIENCE = 800.0

PRINTED = (
    "Task submitted: validate duplicate customer candidates.",
    "Phoenix discovers Customer Steward Agent and Policy Agent.",
    "Governance engine confirms customer-domain read permission.",
    "Assignment engine selects Customer Steward Agent.",
    "Agent analyzes candidate records and checkpoints findings.",
    "Policy Agent validates merge constraints.",
    "Customer Steward Agent fails heartbeat.",
    "Phoenix initiates handoff to backup steward agent.",
    "Backup agent resumes from checkpoint.",
    "Human steward approves or rejects recommendation.",
    "Phoenix records full audit lineage.",
)


def test_the_chapters_are_the_papers_eleven_steps_as_printed() -> None:
    assert tuple(title for title, _ in CHAPTERS) == PRINTED


async def test_all_eleven_steps_hold_and_nothing_is_left_running() -> None:
    process = await _play()
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    told = out.decode()
    assert process.returncode == 0, told
    headings = re.findall(r"^(\d+)\. (.*)$", told, re.MULTILINE)
    assert headings == [(str(number), title) for number, title in enumerate(PRINTED, 1)]
    assert "found nothing missing" in told
    assert re.search(r"precision 1\.000, recall 0\.9\d\d", told)
    _left_nothing(told)


@pytest.mark.long
async def test_a_story_that_is_broken_off_leaves_nothing_running_either() -> None:
    process = await _play()
    assert process.stdout is not None
    told = ""
    async with asyncio.timeout(PATIENCE):
        while "3. Governance engine" not in told:
            line = await process.stdout.readline()
            assert line, f"it ended by itself: {told}"
            told += line.decode()
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 130
    _left_nothing(told)


async def _play() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "examples.stewardship",
        cwd=ROOT,
        env=plain_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


def _left_nothing(told: str) -> None:
    """No process that knows the story's folder, and no folder."""
    found = re.search(r"(\S+)/profile\.toml", told)
    assert found is not None, told
    folder = found.group(1)
    assert not Path(folder).exists()
    assert not [pid for pid in Path("/proc").glob("[0-9]*") if folder in _known_to(pid)]


def _known_to(process: Path) -> str:
    """Arguments and environment of a process; nothing of one that has just ended."""
    try:
        known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    except OSError:
        return ""
    return known.decode(errors="replace")
