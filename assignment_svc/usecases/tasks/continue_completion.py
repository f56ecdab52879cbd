"""Goes on with a result after a human has decided: the task succeeds, or goes on without it."""

from dataclasses import dataclass

from assignment_svc.domain.approval import (
    REFUSAL_REASONS,
    Approval,
    ApprovalAnswer,
    ApprovalSubject,
    result_subject,
)
from assignment_svc.domain.predicates import StaleRead, unchanged, waits_for
from assignment_svc.domain.states import Actor, ApprovalState, ParkedAction
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_parking import (
    asked_again,
    result_refused,
    result_refused_without_owner,
)
from assignment_svc.usecases.steps.approval_requests import (
    ask_human,
    current_approvals,
    remember_question,
)
from assignment_svc.usecases.steps.briefing import read_document
from assignment_svc.usecases.steps.ending import end, lock_for_end
from assignment_svc.usecases.steps.migration import HandoffStart, begin_handoff
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from assignment_svc.usecases.tasks.completion import (
    ReviewedResult,
    complete_verdict,
    parked_result,
    succeeded,
)
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
        """Go on; nothing where the task waits for another answer by now.

        Raises `Unavailable` and `PolicyEngineUnavailable`.
        """
        for _ in range(self._ports.rules.rounds):
            async with self._ports.units.reading(call) as unit:
                task = await unit.find_task(approval.task_id)
                if task is None or not waits_for(task, approval.approval_id, ParkedAction.COMPLETE):
                    return
                result = await read_document(unit, approval.subject_hash)
            subject = result_subject(task, result, approval.subject_hash)
            try:
                await self._once(call.about(task.correlation_id), task, approval, subject)
            except StaleRead:
                continue
            return

    async def _once(
        self, call: Call, task: Task, approval: Approval, subject: ApprovalSubject
    ) -> None:
        if approval.state is not ApprovalState.APPROVED:
            reason = REFUSAL_REASONS[approval.state]
            await self._refuse(call, task, Refusal(reason, approval.comment, approval))
            return
        known = await current_approvals(self._ports, call, task.task_id, subject)
        reviewed = ReviewedResult(subject, known)
        verdict = await complete_verdict(self._ports, call, task, reviewed)
        if verdict.effect is Effect.ALLOW:
            await self._succeed(call, task, approval, verdict)
        elif verdict.effect is Effect.REQUIRE_APPROVAL:
            answer = await ask_human(self._ports, call, task, subject, (verdict, known))
            await self._ask_again(call, task, subject, (verdict, answer))
        else:
            why = verdict.explanation
            refusal = Refusal(ReasonCode.POLICY_DENIED, why, approval, verdict)
            await self._refuse(call, task, refusal)

    async def _succeed(self, call: Call, read: Task, approval: Approval, verdict: Verdict) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            family, handoffs = await lock_for_end(transaction, read.task_id)
            unchanged(read, family[0])
            owner = family[0].owner_id
            ending = succeeded(
                approval.subject_hash,
                verdict,
                Actor.ENGINE,
                initiator=owner,
                approval_id=approval.approval_id,
            )
            await end(transaction, family, handoffs, ending)
            await _notify_owner(transaction, read, owner, approval)
            await transaction.finish()

    async def _ask_again(
        self,
        call: Call,
        read: Task,
        subject: ApprovalSubject,
        asked: tuple[Verdict, ApprovalAnswer],
    ) -> None:
        """Policy wants another human: the task stays parked with a new question."""
        verdict, answer = asked
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(read.task_id)
            unchanged(read, task)
            await remember_question(transaction, task, subject, answer)
            if answer.state is ApprovalState.PENDING and task.parked is not None:
                after = asked_again(task, task.parked, answer.approval_id)
                fields = parked_result(subject, verdict, answer.approval_id)
                await transaction.save(task, after, fields)
                return
        raise StaleRead

    async def _refuse(self, call: Call, read: Task, refusal: Refusal) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(read.task_id)
            unchanged(read, task)
            if task.binding is not None:
                await _back_to_work(transaction, task, refusal)
            else:
                await _without_owner(transaction, task, refusal)


async def _back_to_work(transaction: TaskTransaction, task: Task, refusal: Refusal) -> None:
    """ACTIVE again under the same epoch; the assignee is sent what the human said."""
    after = result_refused(task, reason=refusal.reason, at=transaction.now)
    active, _ = await transaction.save(task, after, _unparked(task, refusal))
    await _notify_owner(transaction, active, task.owner_id, refusal.approval)


async def _without_owner(transaction: TaskTransaction, task: Task, refusal: Refusal) -> None:
    """MIGRATING: the last owner is gone, and somebody else has to produce another result."""
    last = (await transaction.unit.bindings_of(task.task_id))[-1].binding
    after = result_refused_without_owner(task, refusal.reason)
    task, _ = await transaction.record(task, after, _unparked(task, refusal))
    start = HandoffStart(refusal.reason, gone=True, why="its result was refused")
    task, _, _ = await begin_handoff(transaction, task, last, start)
    await transaction.unit.save_task(task)


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
    """What the directive to an assignee says about a human's decision."""
    return {
        "approval_id": approval.approval_id,
        "action": approval.action,
        "outcome": approval.state.value,
        "subject_hash": approval.subject_hash,
        "comment": approval.comment[:500],
    }
