"""Attributes how a task went to whoever caused it (governance: Attribution).

What one task says is computed from all of its events so far, so a later one can take back what an
earlier one said:

- every try of one task at one participant is one piece of evidence, the newest;
- a task that failed with several participants, or took them (`owners_lost`), speaks against itself
  and against none of them, until somebody completes it;
- a failure that the handler calls the input's does not count, until somebody completes the task.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from governance_svc.domain.trust.evidence import TaskOutcome
from phoenix_runtime.core.event_catalogue import CATALOGUE, OUTCOMES, TrustEvidence
from phoenix_runtime.core.events import AuditEvent, ReasonCode

LOSSES: Final = frozenset(
    {
        ReasonCode.PARTICIPANT_FAILED,
        ReasonCode.PARTICIPANT_LEFT,
        ReasonCode.NOT_RESUMED,
    }
)
"""Reasons for which a task was lost, rather than taken away or given back in good order."""

SEVERAL: Final = 2
"""With so many participants a task has to fail before it speaks against itself."""

TASK_AT_FAULT: Final = "task_at_fault"
INPUT_AT_FAULT: Final = "input_at_fault"
EXCUSED: Final = frozenset({TASK_AT_FAULT, INPUT_AT_FAULT})
"""Outcomes that are on record and count neither for nor against a participant."""

_SUCCEEDED, _FAILED = TrustEvidence.SUCCEEDED.value, TrustEvidence.FAILED.value
_LOST, _DECLINED = TrustEvidence.LOST.value, TrustEvidence.DECLINED.value
_UNABLE: Final = frozenset({_FAILED, _LOST, INPUT_AT_FAULT})
"""Tries that ended without the task being done."""

OUTCOME_TYPES: Final = tuple(
    sorted(name for name, entry in CATALOGUE.items() if entry.evidence in OUTCOMES)
)
"""The event types that say how a try of a task ended."""


@dataclass(frozen=True, slots=True)
class TaskTries:
    """What is on record about one task: the newest try of each participant."""

    newest: Mapping[str, TaskOutcome] = field(default_factory=lambda: MappingProxyType({}))
    owners_lost: bool = False

    @property
    def completed(self) -> bool:
        """Whether somebody has shown that it can be done."""
        return any(one.outcome == _SUCCEEDED for one in self.newest.values())

    @property
    def at_fault(self) -> bool:
        """Whether the task, rather than any of its participants, is why it was not done."""
        unable = sum(one.outcome in _UNABLE for one in self.newest.values())
        return not self.completed and (self.owners_lost or unable >= SEVERAL)


def outcome_of(event: AuditEvent) -> str:
    """How a try ended, by its event; empty where it ended for no reason of the try's own."""
    entry = CATALOGUE.get(event.type)
    evidence = entry.evidence if entry is not None else TrustEvidence.NONE
    if evidence not in OUTCOMES:
        return ""
    if evidence is TrustEvidence.LOST and event.reason_code not in LOSSES:
        return ""
    if evidence is TrustEvidence.FAILED:
        return _failure(event)
    return evidence.value


def _failure(event: AuditEvent) -> str:
    if event.reason_code == ReasonCode.INPUT_AT_FAULT:
        return INPUT_AT_FAULT
    if event.reason_code == ReasonCode.OWNERS_LOST:
        return _LOST
    # Who got a task in its last second and had not begun is not why its deadline passed.
    if event.reason_code == ReasonCode.DEADLINE and event.previous_state == "assigned":
        return ""
    return _FAILED


def with_try(tries: TaskTries, event: AuditEvent) -> TaskTries:
    """``tries`` with the one that ``event``, of the same task, ends for its participant."""
    outcome = outcome_of(event)
    if not outcome:
        return tries
    before = tries.newest.get(event.participant)
    owners_lost = tries.owners_lost or event.reason_code == ReasonCode.OWNERS_LOST
    if before is not None and outcome == _DECLINED and before.outcome != _DECLINED:
        return tries  # whoever has tried it and declines it the next time says nothing new
    newest = TaskOutcome(outcome, event.timestamp, event.event_id, event.task)
    return TaskTries(
        MappingProxyType({**tries.newest, event.participant: newest}), owners_lost=owners_lost
    )


def verdicts(tries: TaskTries) -> dict[str, TaskOutcome]:
    """What the task says about each participant that tried it, one piece of evidence each."""
    return {name: _verdict(one, tries) for name, one in tries.newest.items()}


def _verdict(one: TaskOutcome, tries: TaskTries) -> TaskOutcome:
    if one.outcome == _SUCCEEDED:
        return one
    if one.outcome == INPUT_AT_FAULT:
        # Somebody completed it: the input was good, and the failure is whose it was.
        return replace(one, outcome=_FAILED) if tries.completed else one
    return replace(one, outcome=TASK_AT_FAULT) if tries.at_fault else one
