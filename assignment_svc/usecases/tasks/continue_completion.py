"""After a human has spoken about a result: the task succeeds with it, or goes on without."""

from dataclasses import dataclass, replace

from assignment_svc.domain.approval import Approval, ApprovalAnswer
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import StaleRead
from assignment_svc.domain.states import Actor, ApprovalState, ParkedAction
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.bind import unchanged
from assignment_svc.usecases.assignment.continue_assignment import REFUSAL_REASONS, waits_for
from assignment_svc.usecases.steps.approval_requests import (
    ApprovalSubject,
    ask_human,
    decided_about,
    remember_question,
)
from assignment_svc.usecases.steps.briefing import read_document
from assignment_svc.usecases.steps.ending import end, lock_for_end
from assignment_svc.usecases.steps.lose_owner import ENGINE
from assignment_svc.usecases.steps.migration import HandoffStart, begin_handoff
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from assignment_svc.usecases.tasks.completion import (
    Completion,
    complete_verdict,
    result_approval,
    succeeded,
)
from assignment_svc.usecases.tasks.start_task import attempt_deadline
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect, Verdict


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a result does not end the task."""

    reason: ReasonCode
    why: str
    approval: Approval
    verdict: Verdict | None = None


class ContinueCompletion:
    """SUCCEEDED even if the assignee has died since; else back, or on to the next owner."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, approval: Approval) -> None:
        """Go on; nothing where the task waits for another answer by now."""
        for _ in range(self._ports.rules.rounds):
            async with self._ports.units.reading(call) as unit:
                task = await unit.find_task(approval.task_id)
                if task is None or not waits_for(task, approval, ParkedAction.COMPLETE):
                    return
                result = await read_document(unit, approval.subject_hash)
            subject = result_approval(task, result, approval.subject_hash)
            try:
                await self._once(call.about(task.correlation_id), task, approval, subject)
            except StaleRead:
                continue
            self._ports.due_work.notify()
            return

    async def _once(
        self, call: Call, task: Task, approval: Approval, subject: ApprovalSubject
    ) -> None:
        if approval.state is not ApprovalState.APPROVED:
            reason = REFUSAL_REASONS[approval.state]
            await self._refuse(call, task, Refusal(reason, approval.comment, approval))
            return
        known = await decided_about(self._ports, call, task.task_id, subject)
        verdict = await complete_verdict(self._ports, call, task, Completion(subject, known))
        if verdict.effect is Effect.ALLOW:
            await self._succeed(call, task, approval, verdict)
        elif verdict.effect is Effect.REQUIRE_APPROVAL:
            answer = await ask_human(self._ports, call, task, subject, (verdict, known))
            await self._ask_again(call, task, subject, (verdict, answer))
        else:
            why = verdict.explanation
            refusal = Refusal(ReasonCode.POLICY_DENIED, why, approval, verdict)
            await self._refuse(call, task, refusal)

    async def _succeed(self, call: Call, seen: Task, approval: Approval, verdict: Verdict) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            family, handoffs = await lock_for_end(transaction, seen.task_id)
            unchanged(seen, family[0])
            owner = family[0].owner_id
            ending = succeeded(
                approval.subject_hash, verdict, initiator=owner, approval_id=approval.approval_id
            )
            await end(transaction, family, handoffs, ending)
            await _notify_owner(transaction, seen, owner, approval)
            await transaction.finish()

    async def _ask_again(
        self,
        call: Call,
        seen: Task,
        subject: ApprovalSubject,
        asked: tuple[Verdict, ApprovalAnswer],
    ) -> None:
        """Policy wants another human: the task stays parked with a new question."""
        verdict, answer = asked
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            unchanged(seen, task)
            await remember_question(transaction, task, subject, answer)
            if answer.state is ApprovalState.PENDING and task.parked is not None:
                status = task_step(task.status, task.parked_for, "ask_again", Actor.ENGINE)
                parked = replace(task.parked, approval_id=answer.approval_id)
                saved, _ = await transaction.record(
                    task,
                    replace(task, status=status, parked=parked),
                    EventFields(
                        AuditEventType.TASK_PARKED,
                        reason=ReasonCode.APPROVAL_REQUIRED,
                        participant=task.owner_id,
                        verdict=verdict,
                        outputs=(subject.hash,),
                        detail={
                            "action": subject.action,
                            "subject_hash": subject.hash,
                            "approval_id": answer.approval_id,
                        },
                    ),
                )
                await unit.save_task(saved)
                return
        raise StaleRead

    async def _refuse(self, call: Call, seen: Task, refusal: Refusal) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            unchanged(seen, task)
            if task.binding is not None:
                await _back_to_work(transaction, task, refusal)
            else:
                await _without_owner(transaction, task, refusal)


async def _back_to_work(transaction: TaskTransaction, task: Task, refusal: Refusal) -> None:
    """ACTIVE again under the same epoch; the assignee hears what the human said."""
    status = task_step(task.status, task.parked_for, "refused_result", Actor.ENGINE)
    back = replace(
        task,
        status=status,
        parked=None,
        reason=refusal.reason.value,
        attempt_due_at=attempt_deadline(transaction, task),
    )
    saved, _ = await transaction.record(task, back, _unparked(task, refusal))
    await transaction.unit.save_task(saved)
    await _notify_owner(transaction, saved, task.owner_id, refusal.approval)


async def _without_owner(transaction: TaskTransaction, task: Task, refusal: Refusal) -> None:
    """MIGRATING: its last owner is gone, somebody else has to do it better."""
    status = task_step(task.status, task.parked_for, "refused_without_owner", Actor.ENGINE)
    history = await transaction.unit.bindings_of(task.task_id)
    moved = replace(task, status=status, parked=None, reason=refusal.reason.value)
    saved, _ = await transaction.record(task, moved, _unparked(task, refusal))
    start = HandoffStart(refusal.reason, ENGINE, gone=True, why="its result was refused")
    saved, _, _ = await begin_handoff(transaction, saved, history[-1].binding, start)
    await transaction.unit.save_task(saved)


def _unparked(task: Task, refusal: Refusal) -> EventFields:
    approval = refusal.approval
    return EventFields(
        AuditEventType.TASK_UNPARKED,
        reason=refusal.reason,
        participant=task.owner_id,
        verdict=refusal.verdict,
        outputs=(approval.subject_hash,),
        detail={
            "action": approval.action,
            "subject_hash": approval.subject_hash,
            "approval_id": approval.approval_id,
            "decided_by": approval.decided_by,
            "why": refusal.why,
        },
    )


async def _notify_owner(
    transaction: TaskTransaction, task: Task, owner: str, approval: Approval
) -> None:
    if owner:
        facts = decision_facts(approval)
        await transaction.direct(
            DirectiveAction.APPROVAL_DECIDED, owner, task, epoch=task.epoch, facts=facts
        )


def decision_facts(approval: Approval) -> dict[str, str]:
    """What an assignee is told of a human's decision."""
    return {
        "approval_id": approval.approval_id,
        "action": approval.action,
        "outcome": approval.state.value,
        "subject_hash": approval.subject_hash,
        "comment": approval.comment[:500],
    }
