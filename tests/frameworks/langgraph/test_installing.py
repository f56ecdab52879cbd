"""The adapter is an extra: nothing of it is loaded unasked, and a line says what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

FRAMEWORK = ("langgraph", "langchain_core")


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", ["phoenix_dma", "phoenix_dma.adapters.artifacts"])
def test_the_framework_is_loaded_by_its_adapter_alone(module: str) -> None:
    loaded = run(f"import sys, {module}\nprint(*[n for n in {FRAMEWORK} if n in sys.modules])")
    assert (loaded.stdout.strip(), loaded.stderr) == ("", "")


def test_who_has_no_langgraph_is_told_which_extra_brings_it() -> None:
    without = "import sys\nsys.modules['langgraph'] = None\nimport phoenix_dma.adapters.langgraph"
    said = run(without).stderr.splitlines()
    assert said[-1] == (
        "ImportError: langgraph.checkpoint.base is not installed: "
        'pip install "phoenix-dma[langgraph]"'
    )
    assert not [line for line in said if "During handling" in line]
