"""What completing by the assignee and completing after a human's yes have in common."""

from dataclasses import dataclass

from assignment_svc.domain.approval import COMPLETE, Approval, ApprovalSubject
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.obligations import UsedApproval
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.denials import reasons_hash
from assignment_svc.usecases.steps.documents import (
    approval_documents,
    denial_detail,
    obligation_documents,
    policy_task,
    standing_document,
)
from assignment_svc.usecases.steps.ending import Ending
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.policy_inputs.bounded import content_input
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict


@dataclass(frozen=True, slots=True)
class ReviewedResult:
    """A result as policy is asked about it, and what humans decided about exactly that."""

    subject: ApprovalSubject
    known: list[Approval]


async def complete_verdict(
    ports: Ports, call: Call, task: Task, reviewed: ReviewedResult
) -> Verdict:
    """Ask `task.complete`, with the obligations that are open and the human's answer.

    The assignee's standing is read where a rule of the tenant may read more of it than its id.
    """
    shown, hidden = content_input(reviewed.subject.content, "result")
    question: dict[str, Json] = {
        "task": policy_task(task),
        "assignee": {"id": task.owner_id},
        "result": shown,
        **hidden,
        "result_hash": reviewed.subject.hash,
        "subject_hash": reviewed.subject.hash,
        "open_obligations": obligation_documents(task.open_obligations),
        "approvals": approval_documents(reviewed.known),
    }
    if task.owner_id:
        point = DecisionPoint.COMPLETE
        decided = await ports.policy.evaluate_without(call, point, question, "assignee")
        if decided is not None:
            return decided
        standings = await ports.registry.standings(call, [task.owner_id])
        if task.owner_id in standings:
            question["assignee"] = standing_document(standings[task.owner_id])
    (verdict,) = await ports.policy.evaluate(call, DecisionPoint.COMPLETE, [question])
    return verdict


def succeeded(
    result_hash: str, verdict: Verdict, actor: Actor, *, initiator: str, approval_id: str
) -> Ending:
    """The end of a task with its result; ``initiator`` is its owner, which knows of the end.

    ``approval_id`` is a human's yes to this result, used here; empty where there was none.
    """
    return Ending(
        TaskVerb.SUCCEED,
        actor,
        AuditEventType.TASK_SUCCEEDED,
        reason=ReasonCode.APPROVAL_GRANTED if approval_id else ReasonCode.NONE,
        initiator=initiator,
        verdict=verdict,
        result_hash=result_hash,
        used=UsedApproval(COMPLETE, approval_id) if approval_id else None,
        detail={"result_reference": result_hash, "approval_id": approval_id},
    )


def parked_result(subject: ApprovalSubject, verdict: Verdict, approval_id: str) -> EventFields:
    """TASK_PARKED for a result: the task waits until a human has decided about it."""
    return EventFields(
        AuditEventType.TASK_PARKED,
        reason=ReasonCode.APPROVAL_REQUIRED,
        participant=subject.proposed_by,
        verdict=verdict,
        outputs=(subject.hash,),
        detail={
            "action": subject.action,
            "subject_hash": subject.hash,
            "approval_id": approval_id,
        },
    )


async def denied_completion(ports: Ports, call: Call, read: Task, verdict: Verdict) -> None:
    """Record POLICY_DENIED about a result, where it is the first denial or differs."""
    async with ports.units(call) as unit:
        transaction = TaskTransaction(unit, ports)
        task = await unit.lock_task(read.task_id)
        if task.ended:
            return
        new = await unit.denial_changed(
            task.task_id,
            read.owner_id,
            point=verdict.point.value,
            reasons_hash=reasons_hash(verdict),
        )
        if new:
            fields = EventFields(
                AuditEventType.POLICY_DENIED,
                reason=ReasonCode.POLICY_DENIED,
                participant=read.owner_id,
                verdict=verdict,
                detail=denial_detail(verdict),
            )
            await transaction.save(task, task, fields)
