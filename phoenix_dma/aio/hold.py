"""Whether a task is still held, as its handler, its writes and other threads have to know."""

from __future__ import annotations

import threading
from collections.abc import Callable

from phoenix_dma.errors import AssignmentLost


class Hold:
    """A participant's hold on one task under one epoch; once lost, it is lost for good."""

    def __init__(self, task_id: str, epoch: int, lease_holds: Callable[[], bool]) -> None:
        self.task_id = task_id
        self.epoch = epoch
        self.why = ""
        self.ended = threading.Event()
        self.draining = threading.Event()
        self.checkpoint_wanted = threading.Event()
        self._lease_holds = lease_holds
        self._told: list[Callable[[], object]] = []

    def when_lost(self, tell: Callable[[], object]) -> None:
        """Call ``tell`` once, when the hold is lost."""
        self._told.append(tell)

    def lose(self, why: str) -> None:
        """The task is not held any more."""
        if self.ended.is_set():
            return
        self.why = why
        self.ended.set()
        for tell in self._told:
            tell()

    @property
    def lost(self) -> bool:
        """True once the hold is lost, or the lease under it cannot be known to stand."""
        # Asked at every write: a process that was stopped and continued writes before any timer.
        return self.ended.is_set() or not self._lease_holds()

    def require(self) -> None:
        """Raise `AssignmentLost` unless the task is held."""
        if self.lost:
            why = self.why or "the lease is not known to stand"
            facts = {"task_id": self.task_id, "epoch": str(self.epoch)}
            raise AssignmentLost(f"{self.task_id} is not held any more: {why}", facts)
