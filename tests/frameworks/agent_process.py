"""An agent that a test starts as a process of its own, and kills."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phoenix_dma.testing import Phoenix
from tests.support.processes.programs import plain_environment
from tests.support.waiting.until import PATIENCE


class AgentProcess:
    """A process that says what it does, a line each; leaving the ``with`` kills it.

    Its script finds the profile of its own in the environment, and its options as JSON in its
    first argument, the id among them.
    """

    def __init__(self, phoenix: Phoenix, script: Path, agent: str, **options: Any) -> None:
        self.agent = agent
        self.said: list[str] = []
        profile = phoenix.enrol_participant(agent, owner="data-governance")
        self._process = subprocess.Popen(
            [sys.executable, str(script), json.dumps({"id": agent, **options})],
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(profile),
        )

    def __enter__(self) -> AgentProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_9()

    def says(self, what: str) -> str:
        """Wait for a line that begins with these words; fails where the process ends before."""
        stream = self._process.stdout
        assert stream is not None
        for line in stream:
            self.said.append(line.rstrip())
            if line.startswith(what):
                return self.said[-1]
        raise AssertionError(f"{self.agent} ended without saying {what!r}, after {self.said}")

    def ended(self) -> None:
        """Wait until the process has ended by itself."""
        self._process.wait(timeout=PATIENCE)

    def kill_9(self) -> None:
        """SIGKILL, and its end; nothing happens where it has ended."""
        self._process.kill()
        self._process.wait()


def _environment(profile: Path) -> Mapping[str, str]:
    return {**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)}
