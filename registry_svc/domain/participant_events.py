"""The audit events of participants: what each one states (paper, Table 5)."""

from dataclasses import replace
from datetime import datetime

from phoenix_runtime.core.documents import time_text
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode, denial_document
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict
from registry_svc.domain.declaration import Declaration, claims_document
from registry_svc.domain.documents import grants_document, identity_document
from registry_svc.domain.health import HealthState, HeartbeatSummary
from registry_svc.domain.identity.events import borrowed, descent_document
from registry_svc.domain.participant import Participant


def registered(
    call: Call, before: Participant | None, after: Participant, verdict: Verdict
) -> AuditDraft:
    """PARTICIPANT_REGISTERED: identity, owner, capabilities, decision; claims beside grants."""
    return AuditDraft(
        type=AuditEventType.PARTICIPANT_REGISTERED,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.id,
        previous_state=before.status.value if before is not None else "",
        new_state=after.status.value,
        verdict=verdict,
        detail={
            "identity": identity_document(call, after.declaration.id),
            "owner": after.declaration.owner,
            "capabilities": sorted(after.grants.capabilities),
            "claims": claims_document(after.declaration),
            "grants": grants_document(after.grants),
            "liveness": after.liveness.value,
            "descent": descent_document(call.principal.descent),
            "warnings": list(borrowed(call.principal)),
            **_revision(after),
        },
    )


def join_denied(
    call: Call,
    aggregate: str,
    declaration: Declaration,
    known: Participant | None,
    denial: Verdict | str,
) -> AuditDraft:
    """JOIN_DENIED: ``denial`` is the verdict, or the explanation where policy was not asked."""
    status = known.status.value if known is not None else ""
    verdict = denial if isinstance(denial, Verdict) else None
    why = denial_document(verdict) if verdict is not None else {"explanation": str(denial)}
    return AuditDraft(
        type=AuditEventType.JOIN_DENIED,
        aggregate=aggregate,
        aggregate_version=1,
        participant=declaration.id,
        reason_code=ReasonCode.POLICY_DENIED,
        previous_state=status,
        new_state=status,
        verdict=verdict,
        detail={
            "identity": identity_document(call, declaration.id),
            "owner": declaration.owner,
            "claims": claims_document(declaration),
            **why,
        },
    )


def capabilities_updated(before: Participant, after: Participant, verdict: Verdict) -> AuditDraft:
    """CAPABILITIES_UPDATED: old capability set, new capability set, approving policy."""
    draft = _event(
        AuditEventType.CAPABILITIES_UPDATED,
        before,
        after,
        {
            "old": grants_document(before.grants),
            "new": grants_document(after.grants),
            "old_capabilities": sorted(before.grants.capabilities),
            "new_capabilities": sorted(after.grants.capabilities),
            "approving_policy": verdict.policy,
            "claims": claims_document(after.declaration),
            "standing_revision": after.standing_revision,
        },
    )
    return replace(draft, verdict=verdict)


def update_denied(
    aggregate: str, participant: Participant, declaration: Declaration, verdict: Verdict
) -> AuditDraft:
    """POLICY_DENIED: the claims that were asked for, and why policy refuses them."""
    return AuditDraft(
        type=AuditEventType.POLICY_DENIED,
        aggregate=aggregate,
        aggregate_version=1,
        participant=participant.id,
        reason_code=ReasonCode.POLICY_DENIED,
        previous_state=participant.status.value,
        new_state=participant.status.value,
        verdict=verdict,
        detail={"claims": claims_document(declaration), **denial_document(verdict)},
    )


def suspended_by_operator(
    call: Call, before: Participant, after: Participant, why: str
) -> AuditDraft:
    """PARTICIPANT_SUSPENDED: by whom, and why."""
    kind = AuditEventType.PARTICIPANT_SUSPENDED
    return _event(kind, before, after, _by(call.actor, why, after), _reason(after))


def suspended_by_policy(before: Participant, after: Participant, verdict: Verdict) -> AuditDraft:
    """PARTICIPANT_SUSPENDED: the verdict that denies the participant to remain."""
    detail = {**_by("governance", verdict.explanation, after), **denial_document(verdict)}
    kind = AuditEventType.PARTICIPANT_SUSPENDED
    draft = _event(kind, before, after, detail, _reason(after))
    return replace(draft, verdict=verdict)


def reinstated(call: Call, before: Participant, after: Participant, why: str) -> AuditDraft:
    """PARTICIPANT_REINSTATED: by whom, and why."""
    kind, reason = AuditEventType.PARTICIPANT_REINSTATED, ReasonCode.REQUESTED
    return _event(kind, before, after, _by(call.actor, why, after), reason)


def retiring(before: Participant, after: Participant, mode: str) -> AuditDraft:
    """PARTICIPANT_RETIRING: the mode, and under which retirement."""
    return _retirement(AuditEventType.PARTICIPANT_RETIRING, before, after, {"mode": mode})


def retired(before: Participant, after: Participant, record: JsonObject) -> AuditDraft:
    """PARTICIPANT_RETIRED: mode, active tasks, the outcome of each."""
    detail: dict[str, Json] = {"record": record, **record}
    return _retirement(AuditEventType.PARTICIPANT_RETIRED, before, after, detail)


def failed(
    before: Participant,
    after: Participant,
    last_beat: datetime | None,
    summary: HeartbeatSummary | None,
) -> AuditDraft:
    """PARTICIPANT_FAILED: last heartbeat, generation, reason."""
    return _event(
        AuditEventType.PARTICIPANT_FAILED,
        before,
        after,
        {
            "last_beat": time_text(last_beat) if last_beat is not None else None,
            "reason": after.status_reason,
            **_revision(after),
            **(summary or HeartbeatSummary()).document(),
        },
        _reason(after),
    )


def health(
    before: Participant,
    after: Participant,
    reason: ReasonCode,
    summary: HeartbeatSummary,
    reported: HealthState,
) -> AuditDraft:
    """PARTICIPANT_HEALTH: heartbeats due and kept, worst load and latency, what it reported."""
    detail = {"said": reported.value, **_revision(after), **summary.document()}
    return _event(AuditEventType.PARTICIPANT_HEALTH, before, after, detail, reason)


def _retirement(
    kind: AuditEventType, before: Participant, after: Participant, detail: dict[str, Json]
) -> AuditDraft:
    reason = ReasonCode.PARTICIPANT_RETIREMENT
    under: dict[str, Json] = {"retirement_id": after.retirement_id, **_revision(after)}
    return _event(kind, before, after, {**detail, **under}, reason)


def _event(
    kind: AuditEventType,
    before: Participant,
    after: Participant,
    detail: JsonObject,
    reason: ReasonCode = ReasonCode.NONE,
) -> AuditDraft:
    return AuditDraft(
        type=kind,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.id,
        reason_code=reason,
        previous_state=before.status.value,
        new_state=after.status.value,
        detail=detail,
    )


def _reason(after: Participant) -> ReasonCode:
    return ReasonCode(after.status_reason)


def _by(actor: str, why: str, after: Participant) -> dict[str, Json]:
    return {"by": actor, "why": why, **_revision(after)}


def _revision(after: Participant) -> dict[str, Json]:
    return {"generation": after.generation, "standing_revision": after.standing_revision}
