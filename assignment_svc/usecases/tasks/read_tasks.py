"""Reads tasks; any member of the tenant may."""

from dataclasses import dataclass

from assignment_svc.domain.task import Task, TaskFilter
from assignment_svc.usecases.steps.briefing import read_document
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class ObservedTask:
    """A task and its result, once there is one."""

    task: Task
    result: JsonObject | None = None


class GetTask:
    """One task."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, task_id: str) -> ObservedTask:
        """Read one task with its result; raises `NotFound`."""
        async with self._ports.units.reading(call) as unit:
            task = await existing_task(unit, task_id)
            if not task.result_hash:
                return ObservedTask(task)
            return ObservedTask(task, await read_document(unit, task.result_hash))


class ListTasks:
    """Tasks, newest first; results are left to `GetTask`, a page of them could be 200 MiB."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, wanted: TaskFilter, page: PageRequest) -> Page[Task]:
        """Read a page of tasks."""
        async with self._ports.units.reading(call) as unit:
            return await unit.list_tasks(wanted, page)
