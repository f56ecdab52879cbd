"""Asks humans: what was asked before, what is asked anew, who may not answer."""

from collections.abc import Iterable

from assignment_svc.domain.approval import (
    Approval,
    ApprovalAnswer,
    ApprovalQuestion,
    ApprovalSubject,
)
from assignment_svc.domain.declaration import distinct
from assignment_svc.domain.states import ApprovalState
from assignment_svc.domain.task import BindingRecord, Task
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict


async def current_approvals(
    ports: Ports, call: Call, task_id: str, subject: ApprovalSubject
) -> list[Approval]:
    """What humans were asked about ``subject``, as governance and the registry say now.

    An open question is read again, and so is the decider of a closed one (I13). Raises
    `Unavailable`.
    """
    async with ports.units.reading(call) as unit:
        known = await unit.approvals_of(task_id)
    return await refreshed_approvals(ports, call, known, subject)


async def refreshed_approvals(
    ports: Ports, call: Call, known: Iterable[Approval], subject: ApprovalSubject
) -> list[Approval]:
    """Those of ``known`` that are about ``subject``, each read again. Raises `Unavailable`."""
    same = [approval for approval in known if approval.about(subject)]
    return [await read_again(ports, call, approval) for approval in same]


async def read_again(ports: Ports, call: Call, approval: Approval) -> Approval:
    """``approval`` with what has been decided meanwhile and the decider's present standing.

    Raises `NotFound` where governance does not know it, and `Unavailable`.
    """
    if not approval.decided:
        approval = approval.answered(await ports.approvals.read(call, approval.approval_id))
    if not approval.decided_by:
        return approval
    standings = await ports.registry.standings(call, [approval.decided_by])
    decider = standings.get(approval.decided_by)
    return approval.seen_with(
        decider_type=decider.type if decider else "",
        decider_status=decider.status.value if decider else "unknown",
    )


async def ask_human(
    ports: Ports,
    call: Call,
    task: Task,
    subject: ApprovalSubject,
    asked: tuple[Verdict, list[Approval]],
) -> ApprovalAnswer:
    """Request an approval; ``asked`` is the verdict that wants it and what is known of the subject.

    A decided approval with which policy is not content is superseded. Raises `Unavailable`.
    """
    verdict, known = asked
    async with ports.units.reading(call) as unit:
        bindings = await unit.bindings_of(task.task_id)
    used = [approval for approval in known if approval.state is ApprovalState.APPROVED]
    question = ApprovalQuestion(
        task_id=task.task_id,
        action=subject.action,
        subject=subject.content,
        correlation_id=task.correlation_id,
        decision_id=verdict.decision_id,
        approvers=verdict.approvers,
        barred=barred(task, bindings, subject.target),
        barred_owners=distinct(record.binding.owner for record in bindings),
        proposed_by=subject.proposed_by,
        supersedes=used[-1].approval_id if used else "",
    )
    return await ports.approvals.request(call, question)


def barred(task: Task, bindings: Iterable[BindingRecord], target: str = "") -> tuple[str, ...]:
    """Who may not decide: the submitter, everyone who has worked on the task, who would get it."""
    workers = (record.binding.participant_id for record in bindings)
    return distinct((task.submitter, task.submitter_participant_id, *workers, target))


async def remember_question(
    transaction: TaskTransaction, task: Task, subject: ApprovalSubject, answer: ApprovalAnswer
) -> None:
    """Keep with the task what was asked, and have an open question read again later."""
    rules, now = transaction.rules, transaction.now
    pending = answer.state is ApprovalState.PENDING
    await transaction.unit.save_approval(
        Approval(
            approval_id=answer.approval_id,
            task_id=task.task_id,
            action=subject.action,
            subject_hash=subject.hash,
            state=answer.state,
            requested_at=now,
            target=subject.target,
            handoff_id=subject.handoff_id,
            decided_by=answer.decided_by,
            comment=answer.comment,
            next_poll_at=rules.approval_poll.after(now, 1) if pending else None,
        )
    )


async def withdraw_question(transaction: TaskTransaction, approval_id: str) -> None:
    """Have an open question cancelled once this unit has committed: its subject is gone."""
    approval = await transaction.unit.find_approval(approval_id)
    if approval is not None and not approval.decided:
        await transaction.unit.save_approval(approval.withdrawn(transaction.now))


async def withdraw_questions(transaction: TaskTransaction, task_id: str) -> None:
    """Have every open question about a task cancelled: it has ended."""
    for approval in await transaction.unit.approvals_of(task_id):
        if not approval.decided:
            await withdraw_question(transaction, approval.approval_id)
