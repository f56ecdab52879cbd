"""Audit events: one per transition, one per new or changed refusal (paper, section 11, Table 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from phoenix_runtime.core.json import EMPTY_OBJECT, Json, JsonObject, content_hash
from phoenix_runtime.core.verdict import Verdict

EVENT_VERSION = 1


class AuditEventType(StrEnum):
    """The vocabulary of the ledger, in the paper's spelling."""

    PARTICIPANT_REGISTERED = "PARTICIPANT_REGISTERED"
    JOIN_DENIED = "JOIN_DENIED"
    CAPABILITIES_UPDATED = "CAPABILITIES_UPDATED"
    PARTICIPANT_HEALTH = "PARTICIPANT_HEALTH"
    PARTICIPANT_FAILED = "PARTICIPANT_FAILED"
    PARTICIPANT_SUSPENDED = "PARTICIPANT_SUSPENDED"
    PARTICIPANT_REINSTATED = "PARTICIPANT_REINSTATED"
    PARTICIPANT_RETIRING = "PARTICIPANT_RETIRING"
    PARTICIPANT_RETIRED = "PARTICIPANT_RETIRED"
    RETIREMENT_STARTED = "RETIREMENT_STARTED"
    RETIREMENT_FINISHED = "RETIREMENT_FINISHED"
    DISCOVERY_COMPLETED = "DISCOVERY_COMPLETED"
    TASK_SUBMITTED = "TASK_SUBMITTED"
    SUBMISSION_DENIED = "SUBMISSION_DENIED"
    ASSIGNMENT_CREATED = "ASSIGNMENT_CREATED"
    ASSIGNMENT_DENIED = "ASSIGNMENT_DENIED"
    ASSIGNMENT_FAILED = "ASSIGNMENT_FAILED"
    TASK_STARTED = "TASK_STARTED"
    TASK_DECLINED = "TASK_DECLINED"
    TASK_RETRIED = "TASK_RETRIED"
    TASK_RESUMED = "TASK_RESUMED"
    CONTEXT_CHECKPOINTED = "CONTEXT_CHECKPOINTED"
    ACTION_AUTHORIZED = "ACTION_AUTHORIZED"
    ACTION_DENIED = "ACTION_DENIED"
    EFFECT_BEGUN = "EFFECT_BEGUN"
    EFFECT_RECORDED = "EFFECT_RECORDED"
    HANDOFF_INITIATED = "HANDOFF_INITIATED"
    TASK_MIGRATING = "TASK_MIGRATING"
    TASK_PARKED = "TASK_PARKED"
    TASK_UNPARKED = "TASK_UNPARKED"
    TASK_ORPHANED = "TASK_ORPHANED"
    HANDOFF_PARKED = "HANDOFF_PARKED"
    HANDOFF_CLEARED = "HANDOFF_CLEARED"
    HANDOFF_OFFERED = "HANDOFF_OFFERED"
    HANDOFF_DECLINED = "HANDOFF_DECLINED"
    HANDOFF_DENIED = "HANDOFF_DENIED"
    HANDOFF_COMPLETED = "HANDOFF_COMPLETED"
    HANDOFF_ABORTED = "HANDOFF_ABORTED"
    TASK_SUCCEEDED = "TASK_SUCCEEDED"
    TASK_FAILED = "TASK_FAILED"
    TASK_CANCELLED = "TASK_CANCELLED"
    APPROVAL_REQUESTED = "APPROVAL_REQUESTED"
    APPROVAL_DECIDED = "APPROVAL_DECIDED"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"
    APPROVAL_CANCELLED = "APPROVAL_CANCELLED"
    CERTIFICATION_GRANTED = "CERTIFICATION_GRANTED"
    CERTIFICATION_REVOKED = "CERTIFICATION_REVOKED"
    IDENTITY_ENROLLED = "IDENTITY_ENROLLED"
    IDENTITY_ROLES_CHANGED = "IDENTITY_ROLES_CHANGED"
    IDENTITY_DISABLED = "IDENTITY_DISABLED"
    POLICY_UPLOADED = "POLICY_UPLOADED"
    POLICY_ACTIVATED = "POLICY_ACTIVATED"
    POLICY_DENIED = "POLICY_DENIED"
    ACCESS_REFUSED = "ACCESS_REFUSED"


class ReasonCode(StrEnum):
    """Why something happened; an enumeration, so that it can be counted."""

    NONE = ""
    PARTICIPANT_FAILED = "participant_failed"
    PARTICIPANT_LEFT = "participant_left"
    PARTICIPANT_RETIREMENT = "participant_retirement"
    PARTICIPANT_SUSPENDED = "participant_suspended"
    PARTICIPANT_RETURNED = "participant_returned"
    UNAUTHORIZED = "unauthorized"
    REQUESTED = "requested"
    DEADLINE = "deadline"
    SUPERSEDED = "superseded"
    POLICY_DENIED = "policy_denied"
    APPROVAL_REQUIRED = "approval_required"
    APPROVAL_GRANTED = "approval_granted"
    APPROVAL_REFUSED = "approval_refused"
    APPROVAL_EXPIRED = "approval_expired"
    SUBJECT_GONE = "subject_gone"
    DECLINED = "declined"
    START_TIMEOUT = "start_timeout"
    ATTEMPT_TIMEOUT = "attempt_timeout"
    OFFER_TIMEOUT = "offer_timeout"
    NOT_RESUMED = "not_resumed"
    RETRYABLE_FAILURE = "retryable_failure"
    FINAL_FAILURE = "final_failure"
    INPUT_AT_FAULT = "input_at_fault"
    OWNERS_LOST = "owners_lost"
    SOURCE_RETURNED = "source_returned"
    TASK_ENDED = "task_ended"
    PARENT_ENDED = "parent_ended"
    GATE_CLOSED = "gate_closed"
    NO_ELIGIBLE_PARTICIPANT = "no_eligible_participant"
    HEARTBEAT_MISSED = "heartbeat_missed"
    HEALTH_REPORTED = "health_reported"
    SUMMARY = "summary"
    CREDENTIAL_MISUSED = "credential_misused"
    SAME_DESCENT = "same_descent"
    STALE_EPOCH = "stale_epoch"
    OUTCOME_UNKNOWN = "outcome_unknown"


OWNER_LOST: Final = frozenset(
    {ReasonCode.PARTICIPANT_FAILED, ReasonCode.NOT_RESUMED, ReasonCode.PARTICIPANT_RETURNED}
)
"""Reasons for which the owner of an ACTIVE task was lost: it died, fell silent, or came back as a
new process. Leaving, retirement, suspension, a requested handoff and lost grants are none."""


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """What a use case knows of an event; the outbox adds id, time, actor and hashes.

    ``aggregate`` is ``task/<id>``, ``participant/<id>``, ``approval/<id>``, …; its version grows by
    one with every event. A refusal without a row is an aggregate of its own. ``last``: the
    aggregate has ended, and no other event of it follows.
    """

    type: AuditEventType
    aggregate: str
    aggregate_version: int
    last: bool = False
    participant: str = ""
    task: str = ""
    handoff: str = ""
    reason_code: ReasonCode = ReasonCode.NONE
    previous_state: str = ""
    new_state: str = ""
    verdict: Verdict | None = None
    input_references: tuple[str, ...] = ()
    output_references: tuple[str, ...] = ()
    correlation_id: str = ""
    """The task's where the event is about a task; the call's where empty."""
    detail: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A committed event: the paper's fields first, then ours."""

    event_id: str
    timestamp: datetime
    actor: str
    participant: str
    task: str
    policy_decision: JsonObject
    input_references: tuple[str, ...]
    output_references: tuple[str, ...]
    reason_code: str
    previous_state: str
    new_state: str
    correlation_id: str
    tenant: str
    type: str
    event_version: int
    service: str
    aggregate: str
    aggregate_version: int
    caused_by: str
    on_behalf_of: str
    handoff: str
    detail: JsonObject
    request_id: str
    salt: str
    leaf_hash: str


def verdict_document(verdict: Verdict | None) -> JsonObject:
    """The whole decision as it stands in its event; {} where no policy was asked."""
    if verdict is None:
        return EMPTY_OBJECT
    document: dict[str, Json] = {
        "effect": verdict.effect.value,
        "decision_id": verdict.decision_id,
        "point": verdict.point.value,
        "policy": verdict.policy,
        "policy_revision": verdict.policy_revision,
        "input_hash": verdict.input_hash,
        "evaluated_at": verdict.evaluated_at.isoformat(),
        "reasons": [{"rule": r.rule, "text": r.text} for r in verdict.reasons],
        "remediation": list(verdict.remediation),
        "obligations": [
            {"id": o.id, "text": o.text, "due": o.due, "met_by": o.met_by, "action": o.action}
            for o in verdict.obligations
        ],
        "policy_score": verdict.policy_score,
        "approvers": list(verdict.approvers),
        "facts": verdict.facts,
    }
    if verdict.trust is not None:
        document["trust"] = verdict.trust
    return document


def denial_document(verdict: Verdict) -> dict[str, Json]:
    """Table 5, *policy denied*: policy name, decision, explanation, remediation path."""
    return {
        "policy": verdict.policy,
        "decision": verdict.effect.value,
        "policy_decision_id": verdict.decision_id,
        "explanation": verdict.explanation,
        "remediation": list(verdict.remediation),
    }


def leaf(event: Mapping[str, Json]) -> str:
    """The leaf hash of an event document that carries its ``salt`` but no ``leaf_hash`` yet."""
    return content_hash({key: value for key, value in event.items() if key != "leaf_hash"})
