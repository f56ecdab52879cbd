"""Agents as processes of their own, heard through the lines that they print."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from examples.clients.languages import Language

PATIENCE: Final = 300.0
"""Seconds after which an agent that says nothing is taken to hang."""


class PlayBroken(Exception):
    """An agent ended, or said nothing for too long, before it said what was waited for."""


@dataclass(frozen=True, slots=True)
class Player:
    """Who takes part in a play: a client, the name that is printed, and the participant's id."""

    language: Language
    name: str
    participant: str


class Agent:
    """A running agent; `start` makes one."""

    def __init__(self, player: Player, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = player.name
        self.participant = player.participant
        self._process = process
        self._log = log
        self._lines: list[str] = []
        self._changed = asyncio.Condition()
        self._ended = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, player: Player, profile: Path, log: Path) -> Agent:
        """Start the player's agent with its profile."""
        folder = player.language.folder
        first, *rest = player.language.runs
        program = str(folder / first) if "/" in first else first  # absolute ones stay
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                program,
                *rest,
                player.participant,
                cwd=folder,
                env=settings(profile),
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        return cls(player, process, log)

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
            raise PlayBroken(f"{self.name} did not say {beginning!r}:\n{said}")
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


def settings(profile: Path) -> dict[str, str]:
    """This process's environment with that profile, and without what would go before it."""
    before = {"PHOENIX_DMA_ADDRESS", "PHOENIX_DMA_TOKEN", "PHOENIX_DMA_DATA"}
    kept = {name: value for name, value in os.environ.items() if name not in before}
    return {**kept, "PHOENIX_DMA_PROFILE": str(profile)}


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
