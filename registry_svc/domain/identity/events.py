"""The audit events of enrolments: who was enrolled as what, by whom, and who no longer is."""

from collections.abc import Sequence

from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Descent, Enroller, Principal, Role
from registry_svc.domain.identity.records import HUMAN, Enrolment, EnrolmentKind

BY_AN_OPERATOR = (
    "This person was enrolled by {by}, who may have kept the credential and could then decide in "
    "their name. Where that matters, let an issuer of your own (OIDC) vouch for people."
)
BORROWED = (
    "{participant} takes part with the enrolment of {holder}, which can enrol others: whoever "
    "that enrolment enrolled decides nothing that {participant} asks for. Run it by `phoenix-dma "
    "run`, or with a profile of its own (`phoenix-dma enrol participant {participant} --owner …`)."
)


def enrolled(record: Enrolment, before: Enrolment | None = None) -> AuditDraft:
    """IDENTITY_ENROLLED: a new record, or an open one whose identity was chosen."""
    detail = {**_document(record), "warnings": list(warnings_about(record))}
    return _event(AuditEventType.IDENTITY_ENROLLED, before, record, detail)


def warnings_about(record: Enrolment) -> tuple[str, ...]:
    """What whoever makes such an enrolment should know."""
    if record.kind is not EnrolmentKind.PERSON:
        return ()
    return (BY_AN_OPERATOR.format(by=record.enrolled_by[-1].subject),)


def borrowed(principal: Principal) -> tuple[str, ...]:
    """What whoever runs a participant with somebody else's enrolment should change."""
    if not principal.borrowed:
        return ()
    names = {"participant": principal.participant, "holder": principal.descent.holder}
    return (BORROWED.format(**names),)


def person_enrolled(principal: Principal, aggregate: str) -> AuditDraft:
    """IDENTITY_ENROLLED for a person's credential that somebody else's enrolment was used for."""
    descent = principal.descent
    detail: dict[str, Json] = {
        "identity": principal.participant,
        "kind": EnrolmentKind.PERSON.value,
        "participant_type": HUMAN,
        "owner": principal.owner,
        "roles": _roles(principal.roles - {Role.PARTICIPANT}),
        "enrolment_id": descent.credential,
        "warnings": [BY_AN_OPERATOR.format(by=descent.holder)],
        "enrolled_by": _enrollers((*descent.enrolled_by, holder_of(descent))),
    }
    return AuditDraft(
        type=AuditEventType.IDENTITY_ENROLLED,
        aggregate=aggregate,
        aggregate_version=1,
        participant=principal.participant,
        new_state="active",
        detail=detail,
    )


def roles_changed(before: Enrolment, after: Enrolment) -> AuditDraft:
    """IDENTITY_ROLES_CHANGED: what was granted and revoked, and what is held now."""
    old, new = frozenset(before.roles), frozenset(after.roles)
    detail = {**_document(after), "granted": _roles(new - old), "revoked": _roles(old - new)}
    return _event(AuditEventType.IDENTITY_ROLES_CHANGED, before, after, detail)


def disabled(before: Enrolment, after: Enrolment, why: str, reason: ReasonCode) -> AuditDraft:
    """IDENTITY_DISABLED: one enrolment gets no credential any more, and why."""
    detail = {**_document(after), "why": why}
    return _event(AuditEventType.IDENTITY_DISABLED, before, after, detail, reason)


def descent_document(descent: Descent) -> dict[str, Json]:
    """Where a credential comes from, as it stands in events."""
    return {
        "credential": descent.credential,
        "holder": descent.holder,
        "enrolled_by": _enrollers(descent.enrolled_by),
    }


def holder_of(descent: Descent) -> Enroller:
    """The enrolment that is held, as one through which others are enrolled."""
    return Enroller(descent.credential, descent.holder)


def _event(
    kind: AuditEventType,
    before: Enrolment | None,
    after: Enrolment,
    detail: dict[str, Json],
    reason: ReasonCode = ReasonCode.NONE,
) -> AuditDraft:
    return AuditDraft(
        type=kind,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.identity if after.participates else "",
        reason_code=reason,
        previous_state=before.status.value if before is not None else "",
        new_state=after.status.value,
        detail=detail,
    )


def _document(record: Enrolment) -> dict[str, Json]:
    return {
        "identity": record.identity,
        "kind": record.kind.value,
        "participant_type": record.participant_type,
        "owner": record.owner,
        "roles": _roles(record.roles),
        "enrolment_id": record.enrolment_id,
        "enrolled_by": _enrollers(record.enrolled_by),
    }


def _roles(roles: Sequence[Role] | frozenset[Role]) -> list[Json]:
    return [role.value for role in sorted(roles)]


def _enrollers(enrollers: Sequence[Enroller]) -> list[Json]:
    return [{"enrolment_id": one.credential, "subject": one.subject} for one in enrollers]
