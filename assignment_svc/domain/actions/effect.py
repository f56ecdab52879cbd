"""Effects outside the runtime: each begun with leave, and its outcome recorded (I17)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from assignment_svc.domain.approval import ApprovalSubject, Authorization
from assignment_svc.domain.lifecycle import EFFECT, EffectVerb
from assignment_svc.domain.states import ActionKind, Actor, EffectStatus
from assignment_svc.domain.task import Task
from phoenix_runtime.core.json import Json, JsonObject, content_hash

RECORDING: Final[Mapping[EffectStatus, EffectVerb]] = MappingProxyType(
    {
        EffectStatus.DONE: EffectVerb.RECORD_DONE,
        EffectStatus.NOT_DONE: EffectVerb.RECORD_NOT_DONE,
        EffectStatus.UNKNOWN: EffectVerb.RECORD_UNKNOWN,
    }
)
"""What an owner may record, and the verb of each."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One content of one action of one task, done outside; one row for each authorization.

    ``status`` is as recorded: `seen_with` says what it means by now. ``epoch``,
    ``participant_id``, ``approval_id`` and ``decision_id`` are those of the last beginning, of
    which there were ``begun``. ``outcome_hash`` is empty where it was not done; ``event_id`` and
    ``event_version`` name the last event about it.
    """

    authorization_id: str
    task_id: str
    action: str
    subject_hash: str
    kind: ActionKind
    domain: str
    idempotent: bool
    status: EffectStatus
    begun: int
    participant_id: str
    epoch: int
    begun_at: datetime
    approval_id: str = ""
    decision_id: str = ""
    recorded_by: str = ""
    recorded_at: datetime | None = None
    outcome_hash: str = ""
    why: str = ""
    event_id: str = ""
    event_version: int = 0

    def seen_with(self, task: Task) -> "Effect":
        """The effect by now: one begun under an epoch that is burnt has an unknown outcome."""
        if self.status is not EffectStatus.BEGUN or self.epoch == task.epoch:
            return self
        return replace(self, status=EFFECT.apply(self.status, EffectVerb.LOSE, Actor.ENGINE))

    def recorded(self, *, event_id: str, version: int) -> "Effect":
        """The effect with the event that proves its last step."""
        return replace(self, event_id=event_id, event_version=version)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an owner says came of an effect. ``content`` and its hash are those of what was done."""

    status: EffectStatus
    why: str = ""
    content: JsonObject | None = None
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class EffectFilter:
    """Which effects are listed; empty fields do not filter."""

    task_id: str = ""
    statuses: tuple[EffectStatus, ...] = ()


def begun(before: Effect | None, given: Authorization, *, idempotent: bool, at: datetime) -> Effect:
    """BEGUN, for the first time or again, by the owner whom ``given`` names.

    ``before`` is the effect as it is by now. What the first beginning said of its kind and of
    ``idempotent`` counts. Raises `IllegalTransition` where it is done, or begun already.
    """
    status = before.status if before is not None else None
    verb = EffectVerb.REPEAT if status is EffectStatus.UNKNOWN else EffectVerb.BEGIN
    return Effect(
        authorization_id=given.authorization_id,
        task_id=given.task_id,
        action=given.action,
        subject_hash=given.subject_hash,
        kind=before.kind if before is not None else given.kind,
        domain=given.domain,
        idempotent=before.idempotent if before is not None else idempotent,
        status=EFFECT.apply(status, verb, Actor.ASSIGNEE),
        begun=(before.begun if before is not None else 0) + 1,
        participant_id=given.participant_id,
        epoch=given.epoch,
        begun_at=at,
        approval_id=given.approval_id,
        decision_id=given.decision_id,
    )


def with_outcome(effect: Effect, outcome: Outcome, *, by: str, at: datetime) -> Effect:
    """DONE, NOT_DONE or UNKNOWN, as the owner ``by`` says; raises `IllegalTransition`."""
    return replace(
        effect,
        status=EFFECT.apply(effect.status, RECORDING[outcome.status], Actor.ASSIGNEE),
        recorded_by=by,
        recorded_at=at,
        outcome_hash=outcome.content_hash,
        why=outcome.why,
    )


def says_the_same(effect: Effect, outcome: Outcome) -> bool:
    """Whether exactly this outcome is recorded already: a repeated report changes nothing."""
    return (
        effect.recorded_at is not None
        and effect.status is outcome.status
        and effect.outcome_hash == outcome.content_hash
    )


def repetition_subject(effect: Effect, first: ApprovalSubject) -> ApprovalSubject:
    """What a human is asked about repeating an effect whose outcome is unknown.

    It is another content than the effect's own, and another one each time: the yes to the effect
    was given for one beginning, and never counts for the next.
    """
    content: JsonObject = {
        "repeats": effect.authorization_id,
        "begun": effect.begun,
        "begun_by": effect.participant_id,
        "subject": first.content,
    }
    return ApprovalSubject(
        first.action, content, content_hash(content), proposed_by=first.proposed_by
    )


def effect_document(effect: Effect | None) -> Json:
    """An effect as policy sees it; None where it is begun for the first time."""
    if effect is None:
        return None
    return {
        "authorization_id": effect.authorization_id,
        "status": effect.status.value,
        "idempotent": effect.idempotent,
        "begun": effect.begun,
        "begun_by": effect.participant_id,
    }
