"""Directives that overtake the answer after which their task begins here.

Directives come on the heartbeat stream, answers on calls of their own: a directive to stop a task
or to checkpoint it can be here before the answer to the StartTask, ResumeTasks or CompleteHandoff
that begins its execution. It counts for that execution all the same.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 4096
"""So many tasks are remembered, the newest ones."""


class OvertakingDirectives:
    """The newest epoch of each task that was directed to stop, and to checkpoint."""

    def __init__(self) -> None:
        self._stopped: OrderedDict[str, int] = OrderedDict()
        self._checkpoints: OrderedDict[str, int] = OrderedDict()

    def stop(self, task_id: str, epoch: int) -> None:
        """Record a STOP_TASK: the task is not held under ``epoch`` or an older one."""
        _record(self._stopped, task_id, epoch)

    def checkpoint(self, task_id: str, epoch: int) -> None:
        """Record a CHECKPOINT_TASK that found nobody at work."""
        _record(self._checkpoints, task_id, epoch)

    def is_stopped(self, task_id: str, epoch: int) -> bool:
        """Whether a task that is about to begin under ``epoch`` was directed to stop already."""
        return epoch <= self._stopped.get(task_id, 0)

    def wants_checkpoint(self, task_id: str, epoch: int) -> bool:
        """Whether a checkpoint of the task was asked for under ``epoch``; said once."""
        return self._checkpoints.pop(task_id, 0) == epoch


def _record(epochs: OrderedDict[str, int], task_id: str, epoch: int) -> None:
    epochs[task_id] = max(epoch, epochs.get(task_id, 0))
    epochs.move_to_end(task_id)
    if len(epochs) > REMEMBERED:
        epochs.popitem(last=False)
