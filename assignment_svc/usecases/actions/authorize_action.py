"""Authorizes an action before a tool call, a read, a mutation or a final action (section 10).

With `BeginEffect` the only verb that answers APPROVAL_REQUIRED: the agent itself waits for the
human.
"""

from dataclasses import replace

from assignment_svc.domain.approval import ApprovalSubject
from assignment_svc.domain.predicates import fenced, requires_active
from assignment_svc.usecases.actions.action import Action, subject_of
from assignment_svc.usecases.actions.permission import (
    AskPermission,
    Authorized,
    Permission,
    Question,
    authorized,
)
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.rounds import in_rounds
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.principal import Call


class AuthorizeAction:
    """Asks `data.operate`; a yes is one row for (task, action, subject), however often asked."""

    def __init__(self, ports: Ports, ask: AskPermission) -> None:
        self._ports = ports
        self._ask = ask

    async def __call__(self, call: Call, action: Action) -> Authorized:
        """Authorize.

        Raises `ApprovalRequired`, `PolicyDenied`, `StaleAssignment`, `NotFound`, `FieldInvalid`,
        `IllegalTransition` (only an ACTIVE task acts), `TooLarge`, `PolicyEngineUnavailable`.
        """
        participant = acting_participant(call)
        action = replace(action, name=action.name.lower())
        subject = subject_of(action, participant)
        async with refusals_audited(self._ports, call, "AuthorizeAction"):
            return await in_rounds(
                self._ports.rules.rounds, lambda: self._try(call, action, subject)
            )

    async def _try(self, call: Call, action: Action, subject: ApprovalSubject) -> Authorized:
        async with self._ports.units.reading(call) as unit:
            task = await existing_task(unit, action.task_id)
        fenced(task, participant_id=call.principal.participant, epoch=action.epoch)
        requires_active(task, "authorize_action")
        call = call.about(task.correlation_id)
        permission = await self._ask(call, task, Question(action, subject))
        return await self._authorize(call, permission)

    async def _authorize(self, call: Call, permission: Permission) -> Authorized:
        action = permission.question.action
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(action.task_id)
            fenced(task, participant_id=call.principal.participant, epoch=action.epoch)
            requires_active(task, "authorize_action")
            subject = permission.question.subject
            before = await unit.find_authorization(task.task_id, subject.action, subject.hash)
            _, result = await authorized(transaction, task, permission, before)
            await unit.remember(result)
        return result
