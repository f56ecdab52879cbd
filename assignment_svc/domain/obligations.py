"""What a task owes, and what meets it: evidence that the runtime has, never somebody's word.

A decision in a recorded context, or a human's approval that was used for the task. What was met
stays met, whoever owns the task later and whatever later contexts hold.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.task import Task, TaskObligation
from phoenix_runtime.core.errors import Violation
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.verdict import ALWAYS, APPROVAL, DECISION, Verdict

FIELD = "fulfilled_obligations"
"""Where callers name the obligations that they take to be met."""


@dataclass(frozen=True, slots=True)
class UsedApproval:
    """A human's yes to ``action`` that was used for a task."""

    action: str
    approval_id: str


def with_obligations(
    known: Iterable[TaskObligation], verdict: Verdict
) -> tuple[TaskObligation, ...]:
    """``known`` with what the verdict asks for; an obligation that is known stays as it is."""
    by_id = {obligation.id: obligation for obligation in known}
    for asked in verdict.obligations:
        new = TaskObligation(
            id=asked.id,
            text=asked.text,
            due=asked.due,
            decision_id=verdict.decision_id,
            met_by=asked.met_by,
            action=asked.action,
        )
        by_id.setdefault(asked.id, new)
    return tuple(by_id.values())


def met_by_decisions(task: Task, decided: Collection[str], pointer: ContextPointer) -> Task:
    """The task with those obligations met for which the context at ``pointer`` has decisions."""
    found = frozenset(decided)

    def evidence(obligation: TaskObligation) -> str:
        return pointer.address if obligation.id in found else ""

    return _met(task, DECISION, evidence)


def met_by_approvals(task: Task, used: Iterable[UsedApproval]) -> Task:
    """The task with those obligations met that one of ``used``, oldest first, was asked for."""
    first: dict[str, str] = {}
    for approval in used:
        first.setdefault(approval.action, approval.approval_id)
    return _met(task, APPROVAL, lambda obligation: first.get(obligation.action, ""))


def awaits_approval(task: Task) -> bool:
    """Whether an approval that is used would meet something that the task owes."""
    return any(_open(one, APPROVAL) for one in task.obligations)


def _met(task: Task, word: str, evidence: Callable[[TaskObligation], str]) -> Task:
    """The task with each open obligation that ``word`` meets met, where there is evidence."""
    after = []
    for one in task.obligations:
        found = evidence(one) if _open(one, word) else ""
        after.append(replace(one, fulfilled=True, evidence=found) if found else one)
    obligations = tuple(after)
    return task if obligations == task.obligations else replace(task, obligations=obligations)


def _open(obligation: TaskObligation, word: str) -> bool:
    return obligation.met_by == word and not obligation.fulfilled and obligation.due != ALWAYS


def stamped(task: Task, event_id: str) -> tuple[TaskObligation, ...]:
    """The task's obligations; those that are newly met name the event in which they were."""
    return tuple(
        replace(one, met_event_id=event_id) if one.evidence and not one.met_event_id else one
        for one in task.obligations
    )


def newly_met(before: Task | None, after: Task) -> list[Json]:
    """What the step from ``before`` to ``after`` met, and by what, for its event."""
    known = {one.id for one in before.obligations if one.fulfilled} if before else set()
    return [
        {
            "id": one.id,
            "met_by": one.met_by,
            "action": one.action,
            "evidence": one.evidence,
        }
        for one in after.obligations
        if one.fulfilled and one.id not in known
    ]


def unmet(
    task: Task, reported: Iterable[str], *, by_reference: bool = False
) -> Iterator[Violation]:
    """What is wrong with the word of a caller that ``reported`` are met, each with its remedy.

    ``by_reference`` says that the caller's context is one whose content the runtime does not read.
    """
    owed = {one.id: one for one in task.obligations}
    for identity in dict.fromkeys(reported):
        obligation = owed.get(identity)
        if obligation is None:
            yield Violation(FIELD, f"{identity} is no obligation of this task; {_names(owed)}")
        elif obligation.due == ALWAYS:
            text = f"{identity} is due always: it holds until the task ends, so leave it out"
            yield Violation(FIELD, text)
        elif not obligation.fulfilled:
            asked = _asks_for(obligation, by_reference=by_reference)
            yield Violation(FIELD, f"{identity} is not met: {asked}")


def _names(owed: Collection[str]) -> str:
    return f"it has {', '.join(sorted(owed))}" if owed else "it has none"


def _asks_for(obligation: TaskObligation, *, by_reference: bool) -> str:
    """What has to be there for an obligation to be met, and how to bring it."""
    if obligation.met_by == APPROVAL:
        return (
            f"a human has to approve {obligation.action}, and the approval has to be used "
            "(AuthorizeAction, where it is an operation); it is met then, without being named"
        )
    entry = f'{{"obligation": "{obligation.id}", "decision": "…"}}'
    unread = "the content behind a reference is not read; " if by_reference else ""
    return f"{unread}checkpoint a context by value whose decisions hold {entry}"
