"""`POST /tasks/assign`: a whole task is submitted and assigned, a known id alone is assigned."""

from assignment_svc.domain.declaration import TaskDeclaration, same_identity, submission
from assignment_svc.domain.ports import Unit
from assignment_svc.usecases.assign_task import AssignTask
from assignment_svc.usecases.assigned import Assigned
from assignment_svc.usecases.ports import Ports
from assignment_svc.usecases.submit_task import SubmitTask
from phoenix_runtime.core.errors import AlreadyExists
from phoenix_runtime.core.principal import Call


class AssignNow:
    """Submits where the task is new, then assigns; nobody eligible: it stays PENDING."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._submit = SubmitTask(ports)
        self._assign = AssignTask(ports)

    async def __call__(self, call: Call, declared: TaskDeclaration) -> Assigned:
        """Assign. Raises what `SubmitTask` and `AssignTask` raise."""
        if declared.names_only:
            return await self._assign(call, declared.task_id)
        async with self._ports.units.reading(call) as unit:
            known = await self._known(unit, declared)
        if known:
            return await self._assign(call, declared.task_id)
        submitted = await self._submit(call, declared, here=True)
        return await self._assign(call, submitted.task.task_id)

    async def _known(self, unit: Unit, declared: TaskDeclaration) -> bool:
        """Whether the task is there already; raises `AlreadyExists` where it is another one."""
        if not declared.task_id:
            return False
        known = await unit.find_task(declared.task_id)
        if known is None:
            return False
        given = submission(declared, self._ports.new_id)
        if not same_identity(known.spec, declared, given.spec):
            raise AlreadyExists("task", declared.task_id)
        return True
