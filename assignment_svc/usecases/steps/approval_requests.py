"""Asks humans: what was asked before, what is asked anew, who may not answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from assignment_svc.domain.approval import (
    SAME_DESCENT,
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
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing
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
    """Those of ``known`` that are about ``subject``, read again together.

    Governance is asked once, and the registry once and again about the owner of who would use a
    yes, however many there are. Raises `NotFound` where governance does not know one of them, and
    `Unavailable`.
    """
    same = [approval for approval in known if approval.about(subject)]
    worker_id = subject.target or subject.proposed_by
    answers = await _answers(ports, call, same, worker_id)
    read = [
        approval if approval.decided else approval.answered(answers[approval.approval_id])
        for approval in same
    ]
    standings = await _standings(ports, call, read, worker_id)
    seen = [_seen(one, standings) for one in read]
    worker = standings.get(worker_id)
    if worker is None:
        return seen
    granted = any(one.state is ApprovalState.APPROVED for one in seen)
    owner = await _owner_of(ports, call, worker, standings) if granted else None
    user = _User(_acting(call, worker), owner)
    return [await _without_own_yes(ports, call, (one, answers), user) for one in seen]


@dataclass(frozen=True, slots=True)
class _User:
    """Who would use a yes, and its owner where that takes part itself."""

    worker: Standing
    owner: Standing | None


async def _owner_of(
    ports: Ports, call: Call, worker: Standing, known: Mapping[str, Standing]
) -> Standing | None:
    """The present standing of the worker's owner, as it is ``known`` already or read now."""
    owner = worker.owner
    if owner and owner not in known:
        known = await ports.registry.standings(call, [owner])
    return known.get(owner)


async def _answers(
    ports: Ports, call: Call, approvals: Sequence[Approval], worker_id: str
) -> Mapping[str, ApprovalAnswer]:
    """What governance says of open questions, and of each yes that somebody would use."""
    wanted = [
        one.approval_id
        for one in approvals
        if not one.decided or (one.state is ApprovalState.APPROVED and worker_id)
    ]
    found = await ports.approvals.read_all(call, wanted) if wanted else {}
    for approval_id in wanted:
        if approval_id not in found:
            raise NotFound("approval", approval_id)
    return found


async def _standings(
    ports: Ports, call: Call, approvals: Sequence[Approval], worker_id: str
) -> Mapping[str, Standing]:
    """The present standings of those who decided, and of whoever would use a yes."""
    people = [one.decided_by for one in approvals]
    if any(one.state is ApprovalState.APPROVED for one in approvals):
        people.append(worker_id)
    named = distinct(people)
    return await ports.registry.standings(call, named) if named else {}


async def _without_own_yes(
    ports: Ports, call: Call, read: tuple[Approval, Mapping[str, ApprovalAnswer]], user: _User
) -> Approval:
    """The approval, unusable where its yes is that of who would use it, which is audited.

    Whoever takes a task over finds the yes that was given before, perhaps by their own owner, or by
    somebody whom the credential of either enrolled. Governance has refused such a decision of those
    who worked on it then.
    """
    approval, answers = read
    if approval.state is not ApprovalState.APPROVED:
        return approval
    if not answers[approval.approval_id].is_own_of(user.worker, user.owner):
        return approval
    facts: dict[str, Json] = {
        "approval_id": approval.approval_id,
        "task_id": approval.task_id,
        "decided_by": approval.decided_by,
        "worker": user.worker.participant_id,
    }
    await ports.access.refused(call, "approval.use", facts, ReasonCode.SAME_DESCENT)
    return approval.seen_with(decider_type=approval.decider_type, decider_status=SAME_DESCENT)


def _acting(call: Call, worker: Standing) -> Standing:
    """The worker with the credential of its call, where that is another one than it registered."""
    held = call.principal.descent.credential
    own = call.principal.participant == worker.participant_id and held
    return replace(worker, credential=held) if own else worker


async def read_again(ports: Ports, call: Call, approval: Approval) -> Approval:
    """``approval`` with what has been decided meanwhile and the decider's present standing.

    Raises `NotFound` where governance does not know it, and `Unavailable`.
    """
    if not approval.decided:
        approval = approval.answered(await ports.approvals.read(call, approval.approval_id))
    if not approval.decided_by:
        return approval
    return _seen(approval, await ports.registry.standings(call, [approval.decided_by]))


def _seen(approval: Approval, standings: Mapping[str, Standing]) -> Approval:
    """The approval with its decider's present standing; as it is where nobody decided it."""
    if not approval.decided_by:
        return approval
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
    standings = await ports.registry.standings(call, _involved(task, bindings, subject.target))
    owners = [record.binding.owner for record in bindings]
    if subject.target in standings:
        owners.append(standings[subject.target].owner)
    question = ApprovalQuestion(
        task_id=task.task_id,
        action=subject.action,
        subject=subject.content,
        correlation_id=task.correlation_id,
        decision_id=verdict.decision_id,
        approvers=verdict.approvers,
        barred=barred(task, bindings, subject.target),
        barred_owners=distinct(owners),
        barred_credentials=distinct(one.credential for one in standings.values()),
        proposed_by=subject.proposed_by,
        supersedes=used[-1].approval_id if used else "",
    )
    return await ports.approvals.request(call, question)


def barred(task: Task, bindings: Iterable[BindingRecord], target: str = "") -> tuple[str, ...]:
    """Who may not decide: the submitter, everyone who has worked on the task, who would get it."""
    return distinct((task.submitter, *_involved(task, bindings, target)))


def _involved(task: Task, bindings: Iterable[BindingRecord], target: str) -> tuple[str, ...]:
    """The participants among them: they may hold credentials that bar others, too."""
    workers = (record.binding.participant_id for record in bindings)
    return distinct((task.submitter_participant_id, *workers, target))


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
