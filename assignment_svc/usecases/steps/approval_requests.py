"""Asking humans: what is remembered, what is asked anew, who may not answer."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from assignment_svc.domain.approval import Approval, ApprovalAnswer, ApprovalQuestion
from assignment_svc.domain.declaration import distinct
from assignment_svc.domain.states import ApprovalState
from assignment_svc.domain.task import BindingRecord, Task
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ApprovalSubject:
    """One content that policy is asked about: a human's yes is bound to exactly this."""

    action: str
    content: JsonObject
    hash: str
    target: str = ""
    handoff_id: str = ""
    proposed_by: str = ""

    def matches(self, approval: Approval) -> bool:
        """Whether ``approval`` is about this very content."""
        return approval.action == self.action and approval.subject_hash == self.hash


async def decided_about(
    ports: Ports, call: Call, task_id: str, subject: ApprovalSubject
) -> list[Approval]:
    """What humans were asked about this content, as governance and the registry see it now.

    An open question is read again, and the decider of a closed one is looked at again (I13).
    """
    async with ports.units.reading(call) as unit:
        known = await unit.approvals_of(task_id)
    return await about(ports, call, known, subject)


async def about(
    ports: Ports, call: Call, known: Iterable[Approval], subject: ApprovalSubject
) -> list[Approval]:
    """Those of ``known`` that are about this content, as they stand now."""
    same = [approval for approval in known if subject.matches(approval)]
    return [await read_again(ports, call, approval) for approval in same]


async def read_again(ports: Ports, call: Call, approval: Approval) -> Approval:
    """``approval`` with what has been decided meanwhile and the decider's present standing."""
    if not approval.decided:
        answer = await ports.approvals.read(call, approval.approval_id)
        approval = answered(approval, answer)
    if not approval.decided_by:
        return approval
    standings = await ports.registry.standings(call, [approval.decided_by])
    decider = standings.get(approval.decided_by)
    return replace(
        approval,
        decider_type=decider.type if decider else "",
        decider_status=decider.status.value if decider else "unknown",
    )


def answered(approval: Approval, answer: ApprovalAnswer) -> Approval:
    """``approval`` with governance's answer; a closed one is not looked at again."""
    open_still = answer.state is ApprovalState.PENDING
    return replace(
        approval,
        state=answer.state,
        decided_by=answer.decided_by,
        comment=answer.comment,
        next_poll_at=approval.next_poll_at if open_still else None,
    )


async def ask_human(
    ports: Ports,
    call: Call,
    task: Task,
    subject: ApprovalSubject,
    asked: tuple[Verdict, list[Approval]],
) -> ApprovalAnswer:
    """Ask governance's desk; a decided approval that policy is not content with is superseded."""
    verdict, known = asked
    async with ports.units.reading(call) as unit:
        bindings = await unit.bindings_of(task.task_id)
    spent = [approval for approval in known if approval.state is ApprovalState.APPROVED]
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
        supersedes=spent[-1].approval_id if spent else "",
    )
    return await ports.approvals.request(call, question)


def barred(task: Task, bindings: Iterable[BindingRecord], target: str = "") -> tuple[str, ...]:
    """Who may not decide: the submitter, everyone who has worked on the task, who would get it."""
    workers = (record.binding.participant_id for record in bindings)
    return distinct((task.submitter, task.submitter_participant_id, *workers, target))


async def remember_question(
    transaction: TaskTransaction, task: Task, subject: ApprovalSubject, answer: ApprovalAnswer
) -> None:
    """Keep what was asked with the task, and have it looked at again."""
    pending = answer.state is ApprovalState.PENDING
    await transaction.unit.save_approval(
        Approval(
            approval_id=answer.approval_id,
            task_id=task.task_id,
            action=subject.action,
            subject_hash=subject.hash,
            state=answer.state,
            requested_at=transaction.now,
            target=subject.target,
            handoff_id=subject.handoff_id,
            decided_by=answer.decided_by,
            comment=answer.comment,
            next_poll_at=transaction.rules.approval_poll.after(transaction.now, 1)
            if pending
            else None,
        )
    )


async def withdraw_question(transaction: TaskTransaction, approval_id: str) -> None:
    """Have one open question withdrawn once this unit has committed: its subject is gone."""
    approval = await transaction.unit.find_approval(approval_id)
    if approval is not None and not approval.decided:
        await transaction.unit.save_approval(
            replace(approval, cancel_wanted=True, next_poll_at=transaction.now, polls=0)
        )


async def withdraw_questions(transaction: TaskTransaction, task_id: str) -> None:
    """Have every open question about a task withdrawn: it has ended."""
    for approval in await transaction.unit.approvals_of(task_id):
        if not approval.decided:
            await withdraw_question(transaction, approval.approval_id)
