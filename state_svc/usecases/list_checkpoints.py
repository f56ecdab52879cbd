"""Listing the checkpoints of a task. The pointers are assignment's; so is who may see them."""

from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call
from state_svc.domain.ports import Assignment, ContextPointer


class ListCheckpoints:
    """Answers one page of a task's checkpoints, newest first."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment

    async def __call__(
        self, call: Call, task_id: str, *, size: int, token: str
    ) -> Page[ContextPointer]:
        """One page; raises `FieldInvalid`, `NotFound`, `NotPermitted`."""
        return await self._assignment.list_pointers(call, task_id, size=size, token=token)
