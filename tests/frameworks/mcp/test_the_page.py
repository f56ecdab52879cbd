"""Every Python block of docs/frameworks/mcp.md runs as it stands there, as a script of its own."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

import pytest

from phoenix_dma.testing import Phoenix
from phoenix_dma.testing.kit import OPERATES
from tests.support.processes.programs import plain_environment

PAGE: Final = Path(__file__).parents[3] / "docs" / "frameworks" / "mcp.md"
BLOCKS: Final = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
SECONDS: Final = 600.0
"""For one script; a guard against what hangs."""


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
async def test_a_block_of_the_page_runs(block: str, phoenix: Phoenix, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(block)
    profile = phoenix.enrol_person("human.guide", *OPERATES)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        env={**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
