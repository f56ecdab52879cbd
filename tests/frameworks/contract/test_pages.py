"""Every Python block of a framework's page runs in the framework's own environment."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from phoenix_dma.testing import SharedRuntime
from tests.frameworks.environments import ROOT, python_of
from tests.support.processes.programs import plain_environment
from tests.support.waiting.until import PATIENCE


def test_the_blocks_of_the_page_run(
    framework: str, phoenix_dma_runtime: SharedRuntime, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "frameworks" / f"{framework}.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks
    profile = phoenix_dma_runtime._runtime.profile  # the operator's, as after `phoenix-dma up`
    for number, block in enumerate(blocks):
        script = tmp_path / f"block_{number}.py"
        script.write_text(block)
        ended = subprocess.run(
            [str(python_of(framework)), str(script)],
            cwd=tmp_path,
            env={**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, f"block {number}:\n{ended.stdout}\n{ended.stderr}"
