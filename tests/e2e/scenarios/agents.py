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

SCRIPT = Path(__file__).parent / "agent.py"

Line = dict[str, Any]


class Agent:
    """One process and its output, a JSON object a line.

    It is read whether or not anybody listens: a full pipe would stop it.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())
        self.said: list[Line] = []

    async def says(self, what: str, **facts: Any) -> Line:
        """The next thing it says of that kind, and with these facts; the rest is kept in `said`."""
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
        """SIGKILL: no Goodbye, no last checkpoint."""
        self._process.kill()

    def stop(self) -> None:
        """SIGSTOP: it hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT: it goes on as if nothing had happened."""
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM: it drains, hands off and says Goodbye."""
        self._process.terminate()

    async def ended(self) -> int:
        """Wait for its end; answers the code."""
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def kill(self) -> None:
        """Make sure that it is gone."""
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
    """Start it; the options is described in ``agent.py``."""
    assert profile.credential is not None
    runtime = {"grpc": profile.grpc, "credential": str(profile.credential)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        json.dumps({**options, "runtime": runtime}),
        stdout=asyncio.subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if not k.startswith("PHOENIX_DMA_")},
    )
    return Agent(process)
