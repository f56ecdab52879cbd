"""Records denials on the way to an assignment: the first of each, and each that differs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from assignment_svc.domain.approval import Approval
from assignment_svc.domain.discovery import Alternative, Evaluation
from assignment_svc.domain.states import ApprovalState, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import nobody_found
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
    """Records that a candidate was denied, and that no candidate was left."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def denied(self, call: Call, read: Task, evaluation: Evaluation) -> None:
        """Record ASSIGNMENT_DENIED for one candidate, where it is the first or differs."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(read.task_id)
            if task.ended or not await denial_is_new(transaction, task, evaluation):
                return
            fields = EventFields(
                AuditEventType.ASSIGNMENT_DENIED,
                reason=ReasonCode.POLICY_DENIED,
                participant=evaluation.standing.participant_id,
                verdict=evaluation.verdict,
                detail=denial_detail(evaluation.verdict, score=score_document(evaluation.score)),
            )
            await transaction.save(task, task, fields)

    async def nobody(self, call: Call, read: Task, lost: Sequence[Alternative]) -> None:
        """Record ASSIGNMENT_FAILED where the reasons are new, and have the task tried later."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(read.task_id)
            if task.status is not TaskStatus.PENDING:
                return
            failure_hash = content_hash({one.participant_id: one.failed for one in lost})
            next_try_at = self._next_try(transaction, task)
            waiting = nobody_found(task, next_try_at=next_try_at, failure_hash=failure_hash)
            if failure_hash != task.failure_hash:
                fields = EventFields(
                    AuditEventType.ASSIGNMENT_FAILED,
                    reason=ReasonCode.NO_ELIGIBLE_PARTICIPANT,
                    detail={"failed": alternative_documents(lost), "tries": waiting.tries},
                )
                waiting, _ = await transaction.record(task, waiting, fields)
            await unit.save_task(waiting)

    def _next_try(self, transaction: TaskTransaction, task: Task) -> datetime | None:
        """When the engine searches again; None where it is asked to."""
        if not task.automatic:
            return None
        return transaction.rules.queue.after(transaction.now, task.tries + 1)


async def denial_is_new(transaction: TaskTransaction, task: Task, evaluation: Evaluation) -> bool:
    """Whether this denial is the first for the candidate, or another than the last one."""
    return await transaction.unit.denial_changed(
        task.task_id,
        evaluation.standing.participant_id,
        point=evaluation.verdict.point.value,
        reasons_hash=reasons_hash(evaluation.verdict),
    )


def reasons_hash(verdict: Verdict) -> str:
    """The hash of what a denial says: equal for equal reasons, whatever the decision's id."""
    reasons = [[reason.rule, reason.text] for reason in verdict.reasons]
    return content_hash({"policy": verdict.policy, "reasons": reasons})


def refusal_facts(approvals: Iterable[Approval]) -> dict[str, str]:
    """The approval that was refused last, as a fact of a denial; nothing where none was.

    A successor, or the same participant after a restart, asks for content that was refused without
    ever having waited for the answer: only this fact shows that a human refused it.
    """
    no = {ApprovalState.REJECTED, ApprovalState.EXPIRED}
    refused = [approval.approval_id for approval in approvals if approval.state in no]
    return {"approval_id": refused[-1]} if refused else {}
