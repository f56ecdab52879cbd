"""Completes a task with its result, or parks it until a human has approved the result."""

import json
from dataclasses import dataclass, replace

from assignment_svc.domain.approval import (
    Approval,
    ApprovalAnswer,
    newest_yes,
    result_subject,
)
from assignment_svc.domain.declaration import Document, document
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.obligations import unmet
from assignment_svc.domain.predicates import StaleRead, fenced, seats_of
from assignment_svc.domain.states import Actor, ApprovalState, ParkedAction, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_parking import parked_with_result
from assignment_svc.domain.task_transitions import step
from assignment_svc.usecases.steps.approval_requests import (
    ask_human,
    refreshed_approvals,
    remember_question,
)
from assignment_svc.usecases.steps.ending import end, lock_for_end
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.migration import HandoffAbort, abort_handoff
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.rounds import in_rounds
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.tasks.changed import Changed, as_it_stands
from assignment_svc.usecases.tasks.completion import (
    ReviewedResult,
    complete_verdict,
    denied_completion,
    parked_result,
    succeeded,
)
from phoenix_runtime.core.errors import FieldInvalid, PolicyDenied
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect, Verdict


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What an assignee brings: the result, and the obligations that it takes to be met."""

    task_id: str
    epoch: int
    value: JsonObject
    fulfilled: tuple[str, ...] = ()


class CompleteTask:
    """ACTIVE → SUCCEEDED (policy `task.complete`), or AWAITING_APPROVAL with the result kept."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, result: TaskResult) -> Changed:
        """Complete; the same result again answers the same.

        Raises `NotFound`, `StaleAssignment`, `IllegalTransition`, `PolicyDenied`, `FieldInvalid`,
        `TooLarge`, `PolicyEngineUnavailable`.
        """
        acting_participant(call)
        content = document("result", result.value)
        async with refusals_audited(self._ports, call, "CompleteTask"):
            changed = await in_rounds(
                self._ports.rules.rounds, lambda: self._try(call, result, content)
            )
        return replace(changed, result=_shown(changed.task, content))

    async def _try(self, call: Call, result: TaskResult, content: Document) -> Changed:
        task, asked = await self._read(call, result.task_id)
        if await self._is_repetition(call, task, result, content):
            return as_it_stands(task)
        fenced(task, participant_id=call.principal.participant, epoch=result.epoch)
        step(task, TaskVerb.SUCCEED, Actor.ASSIGNEE)
        call = call.about(task.correlation_id)
        if violations := list(unmet(task, result.fulfilled)):
            raise FieldInvalid(violations)
        subject = result_subject(task, result.value, content.hash)
        known = await refreshed_approvals(self._ports, call, asked, subject)
        reviewed = ReviewedResult(subject, known)
        verdict = await complete_verdict(self._ports, call, task, reviewed)
        if verdict.effect is Effect.ALLOW:
            return await self._succeed(call, result, content, (verdict, newest_yes(known)))
        if verdict.effect is Effect.REQUIRE_APPROVAL:
            answer = await ask_human(self._ports, call, task, subject, (verdict, known))
            return await self._park(call, result, content, (verdict, answer))
        await denied_completion(self._ports, call, task, verdict)
        raise PolicyDenied(verdict)

    async def _read(self, call: Call, task_id: str) -> tuple[Task, tuple[Approval, ...]]:
        async with self._ports.units.reading(call) as unit:
            return await existing_task(unit, task_id), await unit.approvals_of(task_id)

    async def _is_repetition(
        self, call: Call, task: Task, result: TaskResult, content: Document
    ) -> bool:
        """Whether the caller brought this very result before, under this epoch."""
        parked = task.parked
        if parked is not None and parked.action is ParkedAction.COMPLETE:
            same = parked.subject_hash == content.hash
        else:
            same = task.status is TaskStatus.SUCCEEDED and task.result_hash == content.hash
        if not same:
            return False
        async with self._ports.units.reading(call) as unit:
            bindings = await unit.bindings_of(task.task_id)
        held = {(record.binding.participant_id, record.binding.epoch) for record in bindings[-1:]}
        return (call.principal.participant, result.epoch) in held

    async def _succeed(
        self, call: Call, result: TaskResult, content: Document, allowed: tuple[Verdict, str]
    ) -> Changed:
        """End the task; ``allowed`` is the verdict and the human's yes that it rests on, if any."""
        verdict, approval_id = allowed
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            family, handoffs = await lock_for_end(transaction, result.task_id)
            fenced(family[0], participant_id=call.principal.participant, epoch=result.epoch)
            ending = succeeded(
                content.hash,
                verdict,
                Actor.ASSIGNEE,
                initiator=family[0].owner_id,
                approval_id=approval_id,
            )
            changed = Changed(*await end(transaction, family, handoffs, ending))
            await unit.add_content(content)
            await transaction.finish()
            await unit.remember(replace(changed, result=_shown(changed.task, content)))
        return changed

    async def _park(
        self,
        call: Call,
        result: TaskResult,
        content: Document,
        asked: tuple[Verdict, ApprovalAnswer],
    ) -> Changed:
        """AWAITING_APPROVAL with the result kept; raises `StaleRead` where a human has spoken."""
        verdict, answer = asked
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(result.task_id)
            fenced(task, participant_id=call.principal.participant, epoch=result.epoch)
            subject = result_subject(task, result.value, content.hash)
            await remember_question(transaction, task, subject, answer)
            if answer.state is ApprovalState.PENDING:
                task = await _leave_handoff(transaction, task)
                after = parked_with_result(task, answer.approval_id, content.hash)
                fields = parked_result(subject, verdict, answer.approval_id)
                parked, receipt = await transaction.record(task, after, fields)
                await unit.add_content(content)
                await unit.save_task(parked)
                await transaction.finish()
                changed = Changed(parked, receipt)
                await unit.remember(changed)
                return changed
        raise StaleRead


async def _leave_handoff(transaction: TaskTransaction, task: Task) -> Task:
    """Abort the open handoff: the task waits for a human now, and its result moves to nobody."""
    handoff = (await transaction.unit.open_handoffs([task.task_id])).get(task.task_id)
    if handoff is None:
        return task
    await transaction.lock_gates(seats_of(task, handoff))
    abort = HandoffAbort(ReasonCode.APPROVAL_REQUIRED, "its result waits for a human")
    task, _, _ = await abort_handoff(transaction, task, handoff, abort)
    return task


def _shown(task: Task, content: Document) -> JsonObject | None:
    """The result where the task has one by now."""
    if task.result_hash != content.hash:
        return None
    shown: JsonObject = json.loads(content.content)
    return shown
