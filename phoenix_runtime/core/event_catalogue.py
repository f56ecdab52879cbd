"""The one catalogue of audit events: what each means to everybody who reads it (events.md).

A new event type is one entry here. `validate`, the lineage, the trust projection, the bus, the
assignment engine and ``docs/events.md`` derive their sets from these columns.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from phoenix_runtime.core.events import AuditEventType as Type


class Ownership(StrEnum):
    """What an event does to the ownership of its task."""

    UNCHANGED = "unchanged"
    GAINED = "gained"
    """Somebody holds the task from here on; the event names the new epoch."""
    RETURNED = "returned"
    """A living source may go on: the event names an epoch if it does."""
    WRITTEN = "written"
    """An accepted write of the owner; the event names the epoch under which it was accepted."""
    LOST = "lost"
    """Nobody holds the task from here on."""
    ENDED = "ended"
    """The task has ended; nobody holds it any more."""


class TrustEvidence(StrEnum):
    """What an event says about the participant that it names (governance.md, Trust)."""

    NONE = ""
    IDENTITY = "identity"
    ENROLMENT = "enrolment"
    GRANTS = "grants"
    HEALTH = "health"
    REVIEW = "review"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    DECLINED = "declined"
    DENIED_LOW = "denied: low"
    DENIED_MEDIUM = "denied: medium"
    DENIED_HIGH = "denied: high"

    @property
    def severity(self) -> str:
        """``low``, ``medium`` or ``high`` for a denial; empty for anything else."""
        kind, _, severity = self.value.partition(": ")
        return severity if kind == "denied" else ""


OUTCOMES: Final = frozenset(
    {
        TrustEvidence.SUCCEEDED,
        TrustEvidence.FAILED,
        TrustEvidence.LOST,
        TrustEvidence.DECLINED,
    }
)
"""Evidence about how an attempt of a task ended."""


class Wakes(StrEnum):
    """What the assignment engine looks at when it reads an event on the bus."""

    STANDING = "standing"
    """The named participant's standing may have changed: read it from the registry."""
    CAPACITY = "capacity"
    """The named participant may have a free seat: try the tasks that it could take."""
    QUEUE = "queue"
    """Somebody who is not named may have one: try every waiting task."""
    APPROVAL = "approval"
    """A human has decided: read the approval."""


SAME: Final = "="
"""The bus event has the audit event's own name."""
BY_STATE: Final = "(state)"
"""The bus event is named by the state that the participant reached."""
STATES: Final = ("ACTIVE", "DEGRADED")
"""The names that `BY_STATE` stands for (events.md: health changed)."""
DENIAL: Final = ("policy", "decision", "explanation", "remediation")
RETIRED: Final = ("mode", "active_tasks", "handoff_outcomes")
ENROLLED: Final = ("identity", "kind", "roles", "enrolled_by")
SUBJECT: Final = ("subject_hash", "approval_id")
TAKEN_OVER: Final = (
    "source",
    "target",
    "reason",
    "received_hash",
    "accepted_obligations",
    "source_epoch",
    "target_epoch",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event type's row. ``bus`` is None for what is not published (paper, section 6).

    ``epoch_field`` is where ``detail`` names the epoch, for events that gain, return or write.
    ``detail`` are the fields that it must have beyond the common ones (Table 5). ``decided`` says
    that the event happens only with an allowing policy decision, which it carries whole.
    """

    type: Type
    bus: str | None = SAME
    _: KW_ONLY
    ownership: Ownership = Ownership.UNCHANGED
    epoch_field: str = "epoch"
    detail: tuple[str, ...] = ()
    decided: bool = False
    evidence: TrustEvidence = TrustEvidence.NONE
    wakes: tuple[Wakes, ...] = ()

    @property
    def bus_events(self) -> tuple[str, ...]:
        """The names under which it may be published; none where it is not."""
        if self.bus is None:
            return ()
        return STATES if self.bus == BY_STATE else (self.published,)

    @property
    def published(self) -> str:
        """The bus event's name, or `BY_STATE`; empty where it is not published."""
        return self.type.value if self.bus == SAME else self.bus or ""


_MAY_TAKE = (Wakes.STANDING, Wakes.CAPACITY)

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry(
        Type.PARTICIPANT_REGISTERED,
        "REGISTERED",
        detail=("identity", "owner", "capabilities", "claims", "grants"),
        decided=True,
        evidence=TrustEvidence.IDENTITY,
        wakes=(Wakes.STANDING,),
    ),
    Entry(Type.JOIN_DENIED, "POLICY_DENIED", evidence=TrustEvidence.DENIED_LOW),
    Entry(Type.CAPABILITIES_UPDATED, evidence=TrustEvidence.GRANTS, wakes=_MAY_TAKE),
    Entry(Type.PARTICIPANT_HEALTH, BY_STATE, evidence=TrustEvidence.HEALTH, wakes=_MAY_TAKE),
    Entry(Type.PARTICIPANT_FAILED, "FAILED", wakes=(Wakes.STANDING,)),
    Entry(Type.PARTICIPANT_SUSPENDED, wakes=(Wakes.STANDING,)),
    Entry(Type.PARTICIPANT_REINSTATED, wakes=(Wakes.STANDING,)),
    Entry(Type.PARTICIPANT_RETIRING, "RETIRING", wakes=(Wakes.STANDING,)),
    Entry(Type.PARTICIPANT_RETIRED, "RETIRED", detail=RETIRED, wakes=(Wakes.STANDING,)),
    Entry(Type.RETIREMENT_STARTED, None, detail=("mode", "active_tasks"), decided=True),
    Entry(Type.RETIREMENT_FINISHED, None, detail=RETIRED),
    Entry(Type.DISCOVERY_COMPLETED, None),
    Entry(Type.TASK_SUBMITTED, decided=True),
    Entry(
        Type.SUBMISSION_DENIED,
        "POLICY_DENIED",
        detail=DENIAL,
        evidence=TrustEvidence.DENIED_LOW,
    ),
    Entry(
        Type.ASSIGNMENT_CREATED,
        ownership=Ownership.GAINED,
        detail=("score", "alternatives", "epoch", "standing_revision"),
        decided=True,
    ),
    Entry(Type.ASSIGNMENT_DENIED, "POLICY_DENIED", detail=DENIAL),
    Entry(Type.ASSIGNMENT_FAILED, None, detail=("failed",)),
    Entry(Type.TASK_STARTED, ownership=Ownership.WRITTEN, detail=("epoch", "attempt")),
    Entry(
        Type.TASK_DECLINED,
        ownership=Ownership.LOST,
        evidence=TrustEvidence.DECLINED,
        wakes=(Wakes.CAPACITY,),
    ),
    Entry(
        Type.TASK_RETRIED,
        ownership=Ownership.LOST,
        evidence=TrustEvidence.FAILED,
        wakes=(Wakes.CAPACITY,),
    ),
    Entry(Type.TASK_RESUMED, ownership=Ownership.GAINED, detail=("epoch", "attempt")),
    Entry(
        Type.CONTEXT_CHECKPOINTED,
        ownership=Ownership.WRITTEN,
        detail=("state_reference", "integrity_hash", "version", "size_bytes"),
    ),
    Entry(
        Type.ACTION_AUTHORIZED,
        None,
        ownership=Ownership.WRITTEN,
        detail=("kind", "name", "domain", "subject_hash", "authorization_id"),
        decided=True,
    ),
    Entry(Type.ACTION_DENIED, "POLICY_DENIED", detail=DENIAL, evidence=TrustEvidence.DENIED_MEDIUM),
    Entry(
        Type.EFFECT_BEGUN,
        None,
        ownership=Ownership.WRITTEN,
        detail=("kind", "name", "domain", "subject_hash", "authorization_id", "begun"),
        decided=True,
    ),
    Entry(
        Type.EFFECT_RECORDED,
        None,
        ownership=Ownership.WRITTEN,
        detail=("authorization_id", "status", "was", "outcome_hash", "begun_by", "begun_epoch"),
    ),
    Entry(
        Type.HANDOFF_INITIATED,
        "HANDOFF_STARTED",
        detail=("source", "reason", "context_reference"),
    ),
    Entry(
        Type.TASK_MIGRATING,
        "MIGRATING",
        ownership=Ownership.LOST,
        detail=("burnt_epoch", "why"),
        evidence=TrustEvidence.LOST,
        wakes=(Wakes.QUEUE,),
    ),
    Entry(Type.TASK_PARKED, None, detail=SUBJECT),
    Entry(Type.TASK_UNPARKED, None, detail=SUBJECT),
    Entry(Type.TASK_ORPHANED, None, ownership=Ownership.LOST, evidence=TrustEvidence.LOST),
    Entry(Type.HANDOFF_PARKED, None),
    Entry(Type.HANDOFF_CLEARED, None),
    Entry(Type.HANDOFF_OFFERED, None, detail=("target", "offer_id", "deadline"), decided=True),
    Entry(
        Type.HANDOFF_DECLINED,
        None,
        detail=("target", "offer_id"),
        evidence=TrustEvidence.DECLINED,
    ),
    Entry(Type.HANDOFF_DENIED, "POLICY_DENIED"),
    Entry(
        Type.HANDOFF_COMPLETED,
        ownership=Ownership.GAINED,
        epoch_field="target_epoch",
        detail=TAKEN_OVER,
        decided=True,
        wakes=(Wakes.QUEUE,),
    ),
    Entry(Type.HANDOFF_ABORTED, ownership=Ownership.RETURNED, wakes=(Wakes.QUEUE,)),
    Entry(
        Type.TASK_SUCCEEDED,
        ownership=Ownership.ENDED,
        decided=True,
        evidence=TrustEvidence.SUCCEEDED,
        wakes=(Wakes.CAPACITY,),
    ),
    Entry(
        Type.TASK_FAILED,
        ownership=Ownership.ENDED,
        evidence=TrustEvidence.FAILED,
        wakes=(Wakes.CAPACITY,),
    ),
    Entry(Type.TASK_CANCELLED, ownership=Ownership.ENDED, wakes=(Wakes.CAPACITY,)),
    Entry(Type.APPROVAL_REQUESTED),
    Entry(Type.APPROVAL_DECIDED, evidence=TrustEvidence.REVIEW, wakes=(Wakes.APPROVAL,)),
    Entry(Type.APPROVAL_EXPIRED, wakes=(Wakes.APPROVAL,)),
    Entry(Type.APPROVAL_CANCELLED, wakes=(Wakes.APPROVAL,)),
    Entry(Type.CERTIFICATION_GRANTED, wakes=(Wakes.QUEUE,)),
    Entry(Type.CERTIFICATION_REVOKED),
    Entry(Type.IDENTITY_ENROLLED, None, detail=ENROLLED, evidence=TrustEvidence.ENROLMENT),
    Entry(Type.IDENTITY_ROLES_CHANGED, None, detail=("identity", "granted", "revoked", "roles")),
    Entry(Type.IDENTITY_DISABLED, None, detail=("identity", "why")),
    Entry(Type.POLICY_UPLOADED, detail=("overlay_revision",)),
    Entry(Type.POLICY_ACTIVATED, wakes=(Wakes.QUEUE,)),
    Entry(Type.POLICY_DENIED, detail=DENIAL, evidence=TrustEvidence.DENIED_LOW),
    Entry(Type.ACCESS_REFUSED, None, evidence=TrustEvidence.DENIED_HIGH),
)

CATALOGUE: Final[Mapping[str, Entry]] = MappingProxyType(
    {entry.type.value: entry for entry in ENTRIES}
)
"""The row of each audit event type, by its name."""


def with_ownership(*effects: Ownership) -> frozenset[Type]:
    """The event types whose effect on ownership is one of ``effects``."""
    return frozenset(entry.type for entry in ENTRIES if entry.ownership in effects)


def waking(wakes: Wakes) -> frozenset[str]:
    """The bus events for which the engine looks at ``wakes``."""
    return frozenset(name for entry in ENTRIES if wakes in entry.wakes for name in entry.bus_events)
