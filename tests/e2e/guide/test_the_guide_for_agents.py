"""Every Python block of the pages named in PAGES runs as it stands, each as a script of its own."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

import pytest

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.data_folder.profile import Profile, write_profile
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.scenarios.scenario import Scenario
from tests.support.processes.programs import plain_environment

ROOT: Final = Path(__file__).parents[3]
NAMES: Final = ("sdk.md", "portable-context.md", "frameworks/langgraph.md")
PAGES: Final = [ROOT / "docs" / name for name in NAMES]
SECONDS: Final = 600.0
"""For one script, which waits for a runtime; a guard against what hangs."""


def blocks() -> list[tuple[str, str]]:
    """The heading and the code of each block; tests among them are run where the test kit is."""
    found: list[tuple[str, str]] = []
    text = "\n".join(page.read_text() for page in PAGES)
    for section in re.split(r"^##? ", text, flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        found += [
            (heading, code) for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        ]
    return [(heading, code) for heading, code in found if "def test_" not in code]


BLOCKS: Final = blocks()


def test_the_guide_shows_code() -> None:
    assert len(BLOCKS) >= 10


@pytest.mark.parametrize(
    "block", [pytest.param(code, id=f"{n}-{heading}") for n, (heading, code) in enumerate(BLOCKS)]
)
async def test_a_block_of_the_guide_runs(block: str, runtime: LocalRuntime, tmp_path: Path) -> None:
    script, profile = tmp_path / "block.py", tmp_path / "profile.toml"
    script.write_text(block)
    scenario = Scenario(runtime, new_id("tenant"))
    credential = scenario.profile.credential
    assert credential is not None
    addresses = Profile(
        grpc=runtime.address("gateway"),
        rest=f"http://{runtime.address('rest')}",
        tenant=scenario.tenant,
        credential=credential,
    )
    write_profile(profile, addresses)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        env={**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == 0, said.decode()
