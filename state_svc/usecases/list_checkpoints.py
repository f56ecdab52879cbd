"""Lists the checkpoints of a task, as assignment has recorded them and permits the caller."""

from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call
from state_svc.domain.ports import Assignment, ContextPointer, PageAsked


class ListCheckpoints:
    """Lists a task's checkpoints, newest first."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment

    async def __call__(self, call: Call, task_id: str, wanted: PageAsked) -> Page[ContextPointer]:
        """One page of pointers.

        Raises `FieldInvalid`, `NotFound`, `NotPermitted`.
        """
        return await self._assignment.list_pointers(call, task_id, wanted)
