"""Agent programs as processes of a framework's environment, and what they wrote down."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phoenix_dma.testing import Phoenix
from tests.frameworks.environments import ROOT, python_of
from tests.support.processes.programs import plain_environment
from tests.support.waiting.until import PATIENCE


class Agents:
    """The agents of one test; each is a process that can be killed."""

    def __init__(self, framework: str, phoenix: Phoenix, folder: Path) -> None:
        self._framework = framework
        self._phoenix = phoenix
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Agents:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def start(self, participant: str, mode: str = "sync") -> None:
        """Start an agent, and wait until it has joined."""
        profile = self._phoenix.enrol_participant(participant, owner="data-governance")
        module = f"tests.frameworks.{self._framework.replace('-', '_')}.agent"
        python = str(python_of(self._framework))
        with (self._folder / f"{participant}.log").open("wb") as log:
            self._running[participant] = subprocess.Popen(
                [python, "-m", module, participant, str(self._folder), mode],
                cwd=ROOT,
                env={**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait_for(participant, "joined")

    def kill(self, participant: str) -> None:
        """Kill an agent's process, by SIGKILL, and let its lease be over."""
        process = self._running[participant]
        process.kill()
        process.wait()
        self._phoenix.expire(participant)

    def stall(self, participant: str) -> None:
        """Stop an agent's process, as a paused machine does, and let its lease be over.

        It cannot register anew meanwhile, so the task goes to somebody else.
        """
        self._running[participant].send_signal(signal.SIGSTOP)
        self._phoenix.expire(participant)

    def go_on(self, participant: str) -> None:
        """Let a stalled process go on where it stood."""
        self._running[participant].send_signal(signal.SIGCONT)

    def let_go(self, participant: str) -> None:
        """Open the gate at which a gated call of the agent's model waits."""
        (self._folder / f"{participant}.go").touch()

    def noted(self, participant: str = "", *, effects: bool = False) -> list[str]:
        """The lines of the journal, of one participant or of all; ``effects`` are tools alone."""
        file = self._folder / "journal.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        tools = ("look_up", "write_record", "merge")
        return [
            line
            for line in lines
            if line.startswith(participant) and (not effects or line.split()[1] in tools)
        ]

    def wait_for(self, participant: str, what: str) -> str:
        """Wait for a line of the participant that begins with ``what``, and return it."""
        beginning = f"{participant} {what}"

        def look() -> str:
            return next((one for one in self.noted() if one.startswith(beginning)), "")

        return self._until(look, participant, what)

    def _until(self, look: Callable[[], str], participant: str, what: str) -> str:
        until = time.monotonic() + PATIENCE
        while not (found := look()):
            ended = self._running[participant].poll()
            late = time.monotonic() > until
            if late or ended is not None:
                log = (self._folder / f"{participant}.log").read_text()
                raise TimeoutError(f"{participant} did not note {what!r} (exit {ended}):\n{log}")
            time.sleep(0.02)
        return found

    def said(self, task_id: str) -> list[dict[str, Any]]:
        """The messages in the task's newest context."""
        found = self._phoenix.client.load_context(f"phoenix://context/{task_id}")
        messages: list[dict[str, Any]] = found["messages"]
        return messages
