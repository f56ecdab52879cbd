"""Agents as processes of their own, heard through the lines that they print."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from examples.clients.languages import Language

PATIENCE: Final = 300.0
"""Seconds after which an agent that says nothing is taken to hang."""


class PlayBroken(Exception):
    """An agent ended, or said nothing for too long, before it said what was waited for."""


class Agent:
    """A running agent; `start` makes one."""

    def __init__(self, language: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.language = language
        self._process = process
        self._log = log
        self._lines: list[str] = []
        self._changed = asyncio.Condition()
        self._ended = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, language: Language, profile: Path, log: Path) -> Agent:
        """Start the agent of ``language`` with its profile."""
        first, *rest = language.runs
        program = str(language.folder / first) if "/" in first else first  # absolute ones stay
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                program,
                *rest,
                language.agent,
                cwd=language.folder,
                env={**os.environ, "PHOENIX_DMA_PROFILE": str(profile)},
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        return cls(language.name, process, log)

    async def says(self, beginning: str) -> str:
        """The first line that begins so; raises `PlayBroken`."""
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(lambda: self._found(beginning) or self._ended)
        except TimeoutError:
            pass
        found = self._found(beginning)
        if not found:
            said = self._log.read_text(errors="replace")[-2000:]
            raise PlayBroken(f"{self.language} did not say {beginning!r}:\n{said}")
        return found

    async def kill(self) -> None:
        """SIGKILL: it gets no chance to say anything to anybody."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    def _found(self, beginning: str) -> str:
        return next((line for line in self._lines if line.startswith(beginning)), "")

    async def _read(self) -> None:
        stream = self._process.stdout
        while stream is not None and (line := await stream.readline()):
            async with self._changed:
                self._lines.append(line.decode().strip())
                self._changed.notify_all()
        async with self._changed:
            self._ended = True
            self._changed.notify_all()


async def first_to_say(beginning: str, agents: list[Agent]) -> Agent:
    """The first of these agents that says it; raises `PlayBroken` where none does."""
    waiting = {asyncio.create_task(agent.says(beginning)): agent for agent in agents}
    try:
        pending = set(waiting)
        failures: list[str] = []
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                error = one.exception()
                if error is None:
                    return waiting[one]
                failures.append(str(error))
        raise PlayBroken("\n".join(failures))
    finally:
        for one in waiting:
            one.cancel()
