"""Whether a task is still held: asked by its handler, by each write, and from other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from phoenix_dma.errors import AssignmentLost

SETTLING_SECONDS: Final = 0.1


class TaskLease:
    """A participant's hold of one task under one epoch; once lost, it stays lost.

    ``lease_holds`` tells whether the participant's own lease stands.
    """

    def __init__(self, task_id: str, epoch: int, lease_holds: Callable[[], bool]) -> None:
        self.task_id = task_id
        self.epoch = epoch
        self.reason = ""
        """Why the task was lost; empty while it is held."""
        self.ended = threading.Event()
        self.draining = threading.Event()
        self.checkpoint_wanted = threading.Event()
        self._lease_holds = lease_holds
        self._callbacks: list[Callable[[], object]] = []

    def on_lost(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` once, when the task is lost."""
        self._callbacks.append(callback)

    def lose(self, reason: str) -> None:
        """Record that the task is not held any more."""
        if self.ended.is_set():
            return
        self.reason = reason
        self.ended.set()
        for callback in self._callbacks:
            callback()

    @property
    def lost(self) -> bool:
        """True once the task is lost, or the participant's lease may have expired."""
        # Asked at every write: a process that was stopped and continued writes before any timer.
        return self.ended.is_set() or not self._lease_holds()

    async def settled(self) -> None:
        """Return once it is certain whether the task is held.

        For a moment the participant's lease may have lapsed, until it is renewed or given up.
        """
        while not (self.ended.is_set() or self._lease_holds()):  # noqa: ASYNC110  # asks a clock
            await asyncio.sleep(SETTLING_SECONDS)

    def require(self) -> None:
        """Raise `AssignmentLost` unless the task is held."""
        if self.lost:
            reason = self.reason or "the participant's lease may have expired"
            facts = {"task_id": self.task_id, "epoch": str(self.epoch)}
            raise AssignmentLost(f"{self.task_id} is not held any more: {reason}", facts)
