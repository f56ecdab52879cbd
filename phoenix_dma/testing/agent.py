"""A participant of a test: a client in a thread and a loop of its own, which can be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.declare import ParticipantFields
from phoenix_dma.loop_thread import LoopThread
from phoenix_dma.profile import read_profile

Function = TypeVar("Function", bound=Callable[..., Any])


class Agent:
    """A participant with a profile of its own; `Phoenix.participant` makes a handler one.

    ``client`` belongs to the agent's loop, in which asynchronous handlers run.
    """

    def __init__(self, profile: Path, participant_id: str) -> None:
        self.id = participant_id
        self.killed = False
        self.client = AsyncPhoenixClient(profile=read_profile(profile))
        self._thread = LoopThread(participant_id)

    def task_handler(self, capability: str = "") -> Callable[[Function], Function]:
        """Register another handler; see `AsyncPhoenixClient.task_handler`."""
        return self.client.task_handler(capability)

    def register(self, fields: ParticipantFields) -> None:
        """Register and attach; raises `PolicyDenied` where policy refuses it."""
        self._thread.call(self.client.register_participant(**fields))

    def kill(self) -> None:
        """End as a killed process does: no Goodbye, no report, and nothing is written any more.

        A handler that is a thread cannot be interrupted: ``task.cancelled`` is true in it, and
        every call raises. The lease lapses by itself, unless `Phoenix.expire` ends it. May be
        called by the agent's own handler.
        """
        self.killed = True
        if _running_loop() is self._thread.loop:
            self._dying = self._thread.loop.create_task(self._vanish())
        else:
            self._thread.call(self._vanish())

    def stop(self) -> None:
        """Leave with a Goodbye, unless it is dead, and end its thread."""
        try:
            if not self.killed:
                self._thread.call(self.client.close())
        finally:
            self._thread.stop()

    async def _vanish(self) -> None:
        if self.client.participant is not None:
            await self.client.participant.vanish()
        await self.client.transport.close()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
