"""The participants of the story: each a process of its own, heard through its lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
PATIENCE: Final = 300.0
"""Seconds after which a process that says nothing is taken to hang."""
LEAVING: Final = 120.0
NOBODY_LISTENS: Final = 3
"""The exit code of a command that reached no runtime."""

Line = Mapping[str, Any]


class Silent(Exception):
    """A participant ended, or said nothing for too long, before it said what was waited for."""


class AgentProcess:
    """One process."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self.lines: list[Line] = []
        self._process = process
        self._changed = asyncio.Condition()
        self._over = False
        self._reading = asyncio.create_task(self._read())

    def all(self, event: str) -> list[Line]:
        """Everything of that kind that it has said so far."""
        return [line for line in self.lines if line["event"] == event]

    async def says(self, event: str, holds: Callable[[Line], bool] = lambda _: True) -> Line:
        """The first line of that kind for which ``holds``; raises `Silent`."""

        def found() -> list[Line]:
            return [line for line in self.all(event) if holds(line)]

        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(lambda: found() or self._over)
        except TimeoutError:
            pass
        if not found():
            raise Silent(
                f"{self.name} did not say {event!r}; its log is {self.log}\n{self._tail()}"
            )
        return found()[0]

    async def kill(self) -> None:
        """SIGKILL: it gets no chance to say anything to anybody."""
        self._process.kill()
        await self._process.wait()
        await self._reading

    async def leave(self) -> None:
        """SIGTERM: it drains and says Goodbye."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), LEAVING)
            except TimeoutError:
                self._process.kill()
        await self._reading

    async def _read(self) -> None:
        stream = self._process.stdout
        while stream is not None and (line := await stream.readline()):
            async with self._changed:
                self.lines.append(json.loads(line))
                self._changed.notify_all()
        await self._process.wait()
        async with self._changed:
            self._over = True
            self._changed.notify_all()

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


class AgentProcesses:
    """Starts agent processes, each with a profile of its own, and leaves none behind.

    Commands are an operator's, with the profile of the runtime.
    """

    def __init__(self, profile: Path, folder: Path) -> None:
        self._environment = {**os.environ, "PHOENIX_DMA_PROFILE": str(profile)}
        self._folder = folder
        self._players: list[AgentProcess] = []

    async def enter(self, name: str, module: str, *arguments: str) -> AgentProcess:
        """``phoenix-dma run <module>.py``: whatever it registers as, it is that and no more."""
        log = self._folder / f"{name}.{len(self._players)}.log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "phoenix_dma.cli",
                "run",
                str(HERE / f"{module}.py"),
                "--",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=self._environment,
                limit=1 << 22,
            )
        player = AgentProcess(name, process, log)
        self._players.append(player)
        return player

    async def command(self, *arguments: str) -> Any:
        """Run ``phoenix-dma … --output json`` as a person would; answers what it prints.

        It is run again while nothing listens: a part that was killed is being started.
        """
        until = time.monotonic() + PATIENCE
        while True:
            code, printed, errors = await self._run(arguments)
            if code != NOBODY_LISTENS or time.monotonic() > until:
                break
        if code:
            raise Silent(f"phoenix-dma {' '.join(arguments)}: {errors}")
        return json.loads(printed)

    async def _run(self, arguments: Sequence[str]) -> tuple[int, str, str]:
        """Its exit code, and what it printed to both outputs."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "phoenix_dma.cli",
            *arguments,
            "--output",
            "json",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        printed, errors = await process.communicate()
        return process.returncode or 0, printed.decode(), errors.decode()

    async def leave(self) -> None:
        """Everybody goes."""
        await asyncio.gather(*(player.leave() for player in self._players))
