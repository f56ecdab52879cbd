"""`POST /tasks/assign`: a whole task is submitted and assigned, a known id alone is assigned."""

import hashlib
from dataclasses import dataclass, replace

from assignment_svc.domain.declaration import TaskDeclaration, same_identity, submission
from assignment_svc.domain.ports import Unit
from assignment_svc.usecases.assignment.assign_task import AssignTask
from assignment_svc.usecases.assignment.assigned import Assigned, standing_answer
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.tasks.single_flight import SingleFlight
from assignment_svc.usecases.tasks.submit_task import SubmitTask
from phoenix_runtime.core.errors import AlreadyExists, RequestIdReused
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a declaration has come to."""

    declared: TaskDeclaration
    assigned: Assigned

    def again(self, declared: TaskDeclaration) -> Assigned | None:
        """The answer to who asked for the very same meanwhile: that of a task that is bound."""
        return standing_answer(self.assigned.task) if declared == self.declared else None


class AssignNow:
    """Submits where the task is new, then assigns; nobody eligible: it stays PENDING."""

    def __init__(self, ports: Ports, submit: SubmitTask, assign: AssignTask) -> None:
        self._ports = ports
        self._submit = submit
        self._assign = assign
        self._flights: SingleFlight[_Outcome] = SingleFlight()

    async def __call__(self, call: Call, declared: TaskDeclaration) -> Assigned:
        """Assign. Raises what `SubmitTask` and `AssignTask` raise, and `RequestIdReused`.

        Of many that ask for one task at the same time the first has it assigned, and the others
        are answered what it has come to.
        """
        if not declared.task_id:
            return await self._now(call, declared)
        async with self._flights.flight((call.tenant, declared.task_id)) as flight:
            outcome = flight.result
            answer = outcome.again(declared) if outcome is not None else None
            if answer is None:
                answer = await self._now(call, declared)
                flight.publish(_Outcome(declared, answer))
            return answer

    async def _now(self, call: Call, declared: TaskDeclaration) -> Assigned:
        if declared.names_only:
            return await self._assign(call, declared.task_id)
        unnamed = not declared.task_id
        if unnamed:
            declared = replace(declared, task_id=_lasting_id(call))
        try:
            async with self._ports.units.reading(call) as unit:
                known = await self._known(unit, declared)
        except AlreadyExists as taken:
            if not unnamed:
                raise
            text = "This request id was used before with another body"
            raise RequestIdReused(text, {"request_id": call.request_id}) from taken
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


def _lasting_id(call: Call) -> str:
    """The id of a task that its caller did not name: the same for each try of one request.

    A refusal (nobody is eligible) is never remembered, but the task that waits is there: without
    this, each repetition would make another one. Empty where the request has no id of its own.
    """
    if call.idempotency is None:
        return ""
    request = f"{call.actor}\0{call.idempotency.request_id}"
    return f"task.{hashlib.sha256(request.encode()).hexdigest()[:32]}"
