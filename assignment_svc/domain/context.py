"""Pointers to contexts: which stored document is a task's newest (paper, Algorithm 4)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ContextPointer:
    """One recorded checkpoint. Version 0 stands for the submitted input.

    ``size_bytes`` is 0 where ``by_reference``: then the content lives at ``external_ref`` and its
    hash is attested by the writer.
    """

    task_id: str
    version: int
    hash: str
    size_bytes: int
    participant_id: str
    epoch: int
    recorded_at: datetime
    by_reference: bool = False
    external_ref: str = ""

    @property
    def address(self) -> str:
        """``phoenix://state/<task>/<version>``, or the input's address at version 0."""
        if self.version == 0:
            return context_address(self.task_id)
        return f"phoenix://state/{self.task_id}/{self.version}"


def context_address(task_id: str) -> str:
    """``phoenix://context/<task>``: the newest context, or the submitted input."""
    return f"phoenix://context/{task_id}"
