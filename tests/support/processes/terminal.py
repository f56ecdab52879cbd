"""`phoenix-dma up`, `down` and the other commands, run against one data folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.processes.process_tree import children_of
from tests.support.waiting.until import PATIENCE

CLI = [sys.executable, "-m", "phoenix_dma.cli"]


class Terminal:
    """Commands against one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.profile = data / "operator" / "profile.toml"
        self.environment = {**os.environ, "PHOENIX_DMA_PROFILE": str(self.profile)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*CLI, *arguments, "--data", str(self.data)]
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def up(self) -> tuple[subprocess.Popen[str], list[int]]:
        """Start the runtime; return its process and those of its programs, once it serves."""
        process = self.started()
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert "the runtime is up" in first, first + process.stderr.read()
        return process, descendants_of(process.pid)

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a runtime on free ports."""
        return subprocess.Popen(
            [*CLI, "up", "--ports", "free", *arguments, "--data", str(self.data)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def token(self) -> str:
        """A token of the operator."""
        command = [*CLI, "token"]
        asked = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        )
        return asked.stdout.strip()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--output", "json").stdout)
        return found


def descendants_of(pid: int) -> list[int]:
    """Return the children, and theirs in turn; of those that end meanwhile there may be none."""
    children = children_of(pid)
    return [*children, *(young for child in children for young in descendants_of(child))]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a runtime; return its exit code and everything that it said meanwhile."""
    assert process.stdout is not None
    assert process.stderr is not None
    # Not `communicate`: it passes by the buffer in which the first line's successors may be.
    said = process.stdout.read() + process.stderr.read()
    return process.wait(PATIENCE), said
