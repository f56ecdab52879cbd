"""Complete: a task ends with its result, or waits with it until a human has approved it."""

import json
from dataclasses import dataclass, replace

from assignment_svc.domain.approval import COMPLETE, Approval, ApprovalAnswer
from assignment_svc.domain.declaration import Document, document
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import StaleRead, TooSlow, fenced, seats_of
from assignment_svc.domain.states import Actor, ApprovalState, ParkedAction, TaskStatus
from assignment_svc.domain.task import Parked, Task
from assignment_svc.usecases.steps.approval_requests import about, ask_human, remember_question
from assignment_svc.usecases.steps.ending import end, lock_for_end
from assignment_svc.usecases.steps.migration import HandoffAbort, abort_handoff
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from assignment_svc.usecases.tasks.changed import Changed, as_it_stands
from assignment_svc.usecases.tasks.completion import (
    Completion,
    complete_verdict,
    denied_completion,
    result_approval,
    succeeded,
)
from assignment_svc.usecases.tasks.record_checkpoint import fulfilled
from phoenix_runtime.core.errors import NotFound, PolicyDenied
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect, Verdict


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What an assignee brings: the result, and the obligations that it reports as met."""

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
            for _ in range(self._ports.rules.rounds):
                try:
                    changed = await self._try(call, result, content)
                except StaleRead:
                    continue
                self._ports.due_work.notify()
                return replace(changed, result=_shown(changed.task, content))
        raise TooSlow("What was judged changed again and again")

    async def _try(self, call: Call, result: TaskResult, content: Document) -> Changed:
        task, asked = await self._read(call, result.task_id)
        if await self._is_repetition(call, task, result, content):
            return as_it_stands(task)
        fenced(task, participant_id=call.principal.participant, epoch=result.epoch)
        task_step(task.status, task.parked_for, "succeed", Actor.ASSIGNEE)
        call = call.about(task.correlation_id)
        seen = replace(task, obligations=fulfilled(task.obligations, result.fulfilled))
        subject = result_approval(seen, result.value, content.hash)
        known = await about(self._ports, call, asked, subject)
        verdict = await complete_verdict(self._ports, call, seen, Completion(subject, known))
        if verdict.effect is Effect.ALLOW:
            return await self._succeed(call, result, content, verdict)
        if verdict.effect is Effect.REQUIRE_APPROVAL:
            answer = await ask_human(self._ports, call, task, subject, (verdict, known))
            return await self._park(call, result, content, (verdict, answer))
        await denied_completion(self._ports, call, task, verdict)
        raise PolicyDenied(verdict)

    async def _read(self, call: Call, task_id: str) -> tuple[Task, tuple[Approval, ...]]:
        async with self._ports.units.reading(call) as unit:
            task = await unit.find_task(task_id)
            if task is None:
                raise NotFound("task", task_id)
            return task, await unit.approvals_of(task_id)

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
        self, call: Call, result: TaskResult, content: Document, verdict: Verdict
    ) -> Changed:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            locked = await unit.lock_task(result.task_id)
            fenced(locked, participant_id=call.principal.participant, epoch=result.epoch)
            family, handoffs = await lock_for_end(transaction, result.task_id)
            task = _with_fulfilled(family[0], result)
            await unit.add_content(content)
            ending = succeeded(content.hash, verdict, initiator=task.owner_id)
            changed = Changed(*await end(transaction, (task, *family[1:]), handoffs, ending))
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
            subject = result_approval(task, result.value, content.hash)
            await remember_question(transaction, task, subject, answer)
            if answer.state is ApprovalState.PENDING:
                before = await _leave_handoff(transaction, task)
                parked = _parked(_with_fulfilled(before, result), content.hash, answer)
                saved, receipt = await transaction.record(before, parked, _event(parked, verdict))
                await unit.add_content(content)
                await unit.save_task(saved)
                await transaction.finish()
                changed = Changed(saved, receipt)
                await unit.remember(changed)
                return changed
        raise StaleRead


def _with_fulfilled(task: Task, result: TaskResult) -> Task:
    return replace(task, obligations=fulfilled(task.obligations, result.fulfilled))


async def _leave_handoff(transaction: TaskTransaction, task: Task) -> Task:
    """A finished result moves to nobody: what was to be handed over waits for a human now."""
    handoff = (await transaction.unit.open_handoffs([task.task_id])).get(task.task_id)
    if handoff is None:
        return task
    await transaction.lock_gates(seats_of(task, handoff))
    abort = HandoffAbort(ReasonCode.APPROVAL_REQUIRED, "its result waits for a human")
    saved, _, _ = await abort_handoff(transaction, task, handoff, abort)
    return saved


def _parked(task: Task, result_hash: str, answer: ApprovalAnswer) -> Task:
    status = task_step(task.status, task.parked_for, "ask_human", Actor.ENGINE)
    return replace(
        task,
        status=status,
        parked=Parked(ParkedAction.COMPLETE, answer.approval_id, result_hash),
        attempt_due_at=None,
        reason=ReasonCode.APPROVAL_REQUIRED.value,
    )


def _event(task: Task, verdict: Verdict) -> EventFields:
    parked = task.parked
    if parked is None:
        raise LookupError(f"{task.task_id} was parked a moment ago and is not")
    return EventFields(
        AuditEventType.TASK_PARKED,
        reason=ReasonCode.APPROVAL_REQUIRED,
        participant=task.owner_id,
        verdict=verdict,
        outputs=(parked.subject_hash,),
        detail={
            "action": COMPLETE,
            "subject_hash": parked.subject_hash,
            "approval_id": parked.approval_id,
        },
    )


def _shown(task: Task, content: Document) -> JsonObject | None:
    """The result where the task has one by now."""
    if task.result_hash != content.hash:
        return None
    shown: JsonObject = json.loads(content.content)
    return shown
