"""Every Python block of docs/frameworks/a2a.md runs as it stands there, as a script of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from phoenix_dma.testing import Phoenix, SharedRuntime
from tests.frameworks.pages import blocks, operators_profile, run

BLOCKS: Final = blocks("a2a.md", "python")


def test_the_page_shows_code() -> None:
    assert len(BLOCKS) == 1


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
async def test_a_block_of_the_page_runs(
    block: str, phoenix: Phoenix, phoenix_dma_runtime: SharedRuntime, tmp_path: Path
) -> None:
    script = tmp_path / "block.py"
    script.write_text(block)
    await run(operators_profile(phoenix_dma_runtime, phoenix.tenant), str(script))
