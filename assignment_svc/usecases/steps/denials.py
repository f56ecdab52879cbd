"""Refusals on the way to an assignment: audited when first made and when they change."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from assignment_svc.domain.approval import Approval
from assignment_svc.domain.discovery import Alternative, Evaluation
from assignment_svc.domain.states import ApprovalState, AssignmentIntent, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.documents import (
    alternative_documents,
    denial_detail,
    score_document,
)
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict


class Denials:
    """Writes down who was denied, and that nobody was left."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def denied(self, call: Call, seen: Task, evaluation: Evaluation) -> None:
        """ASSIGNMENT_DENIED for one candidate, where it is the first or differs."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            if task.ended or not await denial_is_new(transaction, task, evaluation):
                return
            fields = EventFields(
                AuditEventType.ASSIGNMENT_DENIED,
                reason=ReasonCode.POLICY_DENIED,
                participant=evaluation.standing.participant_id,
                verdict=evaluation.verdict,
                detail=denial_detail(evaluation.verdict, score=score_document(evaluation.score)),
            )
            saved, _ = await transaction.record(task, task, fields)
            await unit.save_task(saved)

    async def nobody(self, call: Call, seen: Task, lost: Sequence[Alternative]) -> None:
        """ASSIGNMENT_FAILED, where the reasons are new; the task is tried again later."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            if task.status is not TaskStatus.PENDING:
                return
            reasons = content_hash({one.participant_id: one.failed for one in lost})
            waits = self._next_try(transaction, task)
            if reasons != task.failure_hash:
                fields = EventFields(
                    AuditEventType.ASSIGNMENT_FAILED,
                    reason=ReasonCode.NO_ELIGIBLE_PARTICIPANT,
                    detail={"failed": alternative_documents(lost), "tries": waits.tries},
                )
                waits = replace(waits, failure_hash=reasons)
                waits, _ = await transaction.record(task, waits, fields)
            await unit.save_task(waits)

    def _next_try(self, transaction: TaskTransaction, task: Task) -> Task:
        tries = task.tries + 1
        automatic = task.spec.intent is AssignmentIntent.AUTOMATIC
        return replace(
            task,
            tries=tries,
            reason=ReasonCode.NO_ELIGIBLE_PARTICIPANT.value,
            next_try_at=transaction.rules.queue.after(transaction.now, tries)
            if automatic
            else None,
        )


async def denial_is_new(transaction: TaskTransaction, task: Task, evaluation: Evaluation) -> bool:
    """Whether this denial is the first for the candidate, or another than the last one."""
    return await transaction.unit.denial_changed(
        task.task_id,
        evaluation.standing.participant_id,
        point=evaluation.verdict.point.value,
        reasons_hash=reasons_hash(evaluation.verdict),
    )


def reasons_hash(verdict: Verdict) -> str:
    """What two denials have in common that say the same: never the id of the decision."""
    reasons = [[reason.rule, reason.text] for reason in verdict.reasons]
    return content_hash({"policy": verdict.policy, "reasons": reasons})


def refusal_facts(approvals: Iterable[Approval]) -> dict[str, str]:
    """The approval that was refused last, as a fact of a denial; nothing where none was.

    A successor, or the same participant after a restart, asks for content that was refused without
    ever having waited for the answer: only this tells it that the no was a human's.
    """
    no = {ApprovalState.REJECTED, ApprovalState.EXPIRED}
    refused = [approval.approval_id for approval in approvals if approval.state in no]
    return {"approval_id": refused[-1]} if refused else {}
