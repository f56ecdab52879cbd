"""Agents as processes of their own, which a test may kill, stop and read the output of."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phoenix_dma.profile import Profile
from tests.e2e.scenarios.intervals import PATIENCE

ROOT = Path(__file__).parents[3]
PROGRAM = "tests.e2e.scenarios.agent"

Line = dict[str, Any]


class Agent:
    """One process and its output, a JSON object a line.

    The output is read all the time: a full pipe would stop the process.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())
        self.said: list[Line] = []

    async def says(self, what: str, **facts: Any) -> Line:
        """Wait for the next line of that kind with these facts; `said` keeps the others."""
        lacking = "ended"
        try:
            async with asyncio.timeout(PATIENCE):
                while heard := await self._lines.get():
                    self.said.append(heard)
                    if heard["said"] == what and heard.items() >= facts.items():
                        return heard
            self._lines.put_nowait(None)  # for whoever asks again
        except TimeoutError:
            lacking = f"went on for {PATIENCE:g} s"
        raise AssertionError(f"it {lacking} without saying {what}, after: {self.said}")

    def kill_9(self) -> None:
        """Send SIGKILL: no Goodbye, no last checkpoint."""
        self._process.kill()

    def stop(self) -> None:
        """Send SIGSTOP: the process hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Send SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Send SIGTERM: the agent drains, hands off and says Goodbye."""
        self._process.terminate()

    async def ended(self) -> int:
        """Wait for the end of the process; answers its code."""
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def kill(self) -> None:
        """Kill the process where it still runs, and wait for its end."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        # A line that a kill cut off was not said.
        while (line := await self._process.stdout.readline()).endswith(b"\n"):
            self._lines.put_nowait(json.loads(line))
        self._lines.put_nowait(None)


async def start_agent(profile: Profile, options: Mapping[str, Any]) -> Agent:
    """Start an agent; ``agent.py`` describes the options."""
    assert profile.credential is not None
    runtime = {"grpc": profile.grpc, "credential": str(profile.credential)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        PROGRAM,
        json.dumps({**options, "runtime": runtime}),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("PHOENIX_DMA_")},
    )
    return Agent(process)
