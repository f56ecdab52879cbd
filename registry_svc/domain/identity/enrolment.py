"""Credentials: what an enrolment may be exchanged for, and who may renew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Descent, Principal, Role
from registry_svc.domain.checks import Checks
from registry_svc.domain.identity.records import (
    DISABLED,
    HUMAN,
    OPEN,
    Enrolment,
    EnrolmentKind,
    is_disabled,
)
from registry_svc.domain.lifecycle import RETIRED, SUSPENDED
from registry_svc.domain.participant import Participant

MAX_LIFETIME: Final = timedelta(minutes=15)
"""The longest lifetime of a credential; the SDK renews it."""
DEFAULT_TYPE: Final = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """The credential that is asked for; one for a person or program without ``participant_id``."""

    participant_id: str = ""
    owner: str = ""
    participant_type: str = ""
    roles: Sequence[Role] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """A signed token and when it expires."""

    token: str
    expires_at: datetime


def parse_enrolment(raw: EnrolmentRequest) -> EnrolmentRequest:
    """Check the request and fill in its defaults; raises `FieldInvalid` with all violations."""
    checks = Checks()
    if raw.participant_id:
        checks.identifier("participant_id", raw.participant_id)
        checks.identifier("owner", raw.owner)
        checks.name("participant_type", raw.participant_type or DEFAULT_TYPE)
    elif raw.owner or raw.participant_type:
        checks.refuse("participant_id", "is required where an owner or a type is given")
    checks.raise_any()
    return EnrolmentRequest(
        participant_id=raw.participant_id,
        owner=raw.owner,
        participant_type=(raw.participant_type or DEFAULT_TYPE) if raw.participant_id else "",
        roles=tuple(dict.fromkeys(raw.roles)),
    )


def enrolled_principal(enroller: Principal, request: EnrolmentRequest) -> Principal:
    """The principal of the new credential; raises `NotPermitted` beyond the enrolment.

    ``may_enrol`` includes the participant role. The subject is the participant's id, so that the
    audit names it and not who enrolled it.
    """
    roles = _roles(enroller, request)
    if not request.participant_id:
        return Principal(
            tenant=enroller.tenant,
            subject=enroller.subject,
            roles=roles,
            assurance=enroller.assurance,
            descent=enroller.descent,
        )
    if not _may_enrol(enroller, request.participant_id):
        raise NotPermitted(
            f"This enrolment does not cover {request.participant_id}",
            {"participant_id": request.participant_id, "may_enrol": ", ".join(enroller.may_enrol)},
            remedy="Choose an id that it covers, or have an operator make a profile for this one: "
            f"`phoenix-dma enrol participant {request.participant_id}`.",
        )
    return Principal(
        tenant=enroller.tenant,
        subject=request.participant_id,
        roles=roles | {Role.PARTICIPANT},
        participant=request.participant_id,
        participant_type=request.participant_type,
        owner=request.owner,
        assurance=enroller.assurance,
        descent=enroller.descent,
    )


def recorded_principal(
    enroller: Principal, record: Enrolment, request: EnrolmentRequest
) -> Principal:
    """The principal of a credential that a record permits; raises `NotPermitted` beyond it.

    Without a participant in the request it is the record's identity with all its roles.
    """
    if record.participates:
        _require_identity(record, request)
    elif request.participant_id:
        raise NotPermitted(
            f"{record.identity} submits tasks and is no participant",
            {"identity": record.identity, "participant_id": request.participant_id},
            remedy="Submit with it, and take part with a participant's profile: `phoenix-dma enrol "
            f"participant {request.participant_id}`.",
        )
    own = frozenset({Role.PARTICIPANT}) if record.participates and record.identity else frozenset()
    held = frozenset(record.roles) | own
    asked = frozenset(request.roles)
    _require_held(held, asked)
    return Principal(
        tenant=enroller.tenant,
        subject=record.subject,
        roles=(asked | own) if request.participant_id else (asked or held),
        participant=record.identity if record.participates else "",
        participant_type=record.participant_type,
        owner=record.owner,
        assurance=enroller.assurance,
        descent=Descent(record.enrolment_id, record.subject, record.enrolled_by),
    )


def choosable(record: Enrolment, request: EnrolmentRequest) -> bool:
    """Whether ``request`` chooses the identity of an open record; raises `NotPermitted`."""
    if record.status is not OPEN or not request.participant_id:
        return False
    if request.participant_type == HUMAN:
        raise NotPermitted(
            "This enrolment is for a participant that is no person",
            {"participant_id": request.participant_id, "enrolment_id": record.enrolment_id},
            remedy="Register with another type; an operator enrols people with `phoenix-dma user "
            f"add {request.participant_id}`.",
        )
    return True


def require_not_disabled(identity: str, records: Sequence[Enrolment]) -> None:
    """Raise `NotPermitted` where ``identity`` was enrolled once, and is not any more."""
    if is_disabled(records):
        raise NotPermitted(
            f"{identity} is disabled",
            {"identity": identity, "status": "disabled"},
            remedy=f"An operator enrols it again with `phoenix-dma user enable {identity}`.",
        )


def require_enrolled(identity: str, records: Sequence[Enrolment], *kinds: EnrolmentKind) -> None:
    """Raise `NotPermitted` where ``identity`` is disabled, or enrolled as another kind."""
    require_not_disabled(identity, records)
    other = next((one.kind for one in records if one.kind not in kinds), None)
    if other is not None:
        raise NotPermitted(
            f"{identity} is enrolled as a {other.value}",
            {"identity": identity, "kind": other},
            remedy="Choose another id; `phoenix-dma user list` says who is enrolled as what.",
        )


def require_enrollable(known: Participant | None, request: EnrolmentRequest) -> None:
    """Raise `NotPermitted` where the id has another owner or type, or is SUSPENDED or RETIRED."""
    if known is not None:
        _require_owner_and_type(known, request.owner, request.participant_type)
        _require_not_out(known)


def require_active(record: Enrolment | None, principal: Principal) -> Enrolment:
    """The record of the enrolment that ``principal`` holds; raises `NotPermitted` without one."""
    if record is None or record.status is DISABLED:
        raise NotPermitted(
            f"The enrolment of {principal.subject} is disabled",
            {"identity": principal.subject, "enrolment_id": principal.descent.credential},
            remedy="Use the newest profile of this identity; an operator makes one with "
            f"`phoenix-dma user enable {principal.subject}`.",
        )
    return record


def renewed_principal(principal: Principal, record: Enrolment | None) -> Principal:
    """``principal`` with those of its roles that its record still has; raises `NotPermitted`."""
    record = require_active(record, principal)
    return replace(principal, roles=principal.roles & {*record.roles, Role.PARTICIPANT})


def require_renewable(known: Participant | None, principal: Principal) -> None:
    """Raise `NotPermitted` where the participant has another owner or type, or is out."""
    if known is not None:
        _require_owner_and_type(known, principal.owner, principal.participant_type)
        _require_not_out(known)


def _require_owner_and_type(known: Participant, owner: str, kind: str) -> None:
    declared = known.declaration
    if (declared.owner, declared.type) != (owner, kind):
        # The owner is not named: an enrolment must not reveal it.
        raise NotPermitted(
            f"{known.id} is registered under another owner or type",
            {"participant_id": known.id},
            remedy="Name the owner and the type that it registered with, or choose another id; an "
            f"operator sees them with `phoenix-dma participants show {known.id}`.",
        )


def _require_not_out(known: Participant) -> None:
    """Raise `NotPermitted` for a participant that is SUSPENDED or RETIRED."""
    remedies = {
        SUSPENDED: f"An operator lets it in: `phoenix-dma participants reinstate {known.id}`.",
        RETIRED: "Its id is never used again: choose another one.",
    }
    if known.status in remedies:
        raise NotPermitted(
            f"{known.id} is {known.status.value} and gets no credential",
            {"participant_id": known.id, "status": known.status.value},
            remedy=remedies[known.status],
        )


def _roles(enroller: Principal, request: EnrolmentRequest) -> frozenset[Role]:
    if not request.roles:
        return frozenset() if request.participant_id else enroller.roles
    wanted = frozenset(request.roles) - ({Role.PARTICIPANT} if request.participant_id else set())
    _require_held(enroller.roles, wanted)
    return wanted


def _require_held(held: frozenset[Role], wanted: frozenset[Role]) -> None:
    missing = sorted(role.value for role in wanted - held)
    if missing:
        raise NotPermitted(
            f"This enrolment does not hold {', '.join(missing)}",
            {"missing_roles": ", ".join(missing)},
            remedy="Ask for no other roles than it has, or have an operator who holds them grant "
            "them: `phoenix-dma role grant`.",
        )


def _require_identity(record: Enrolment, request: EnrolmentRequest) -> None:
    """Raise `NotPermitted` where the request is for another participant, owner or type."""
    if not request.participant_id:
        return
    wanted = (request.participant_id, request.owner, request.participant_type)
    if wanted != (record.identity, record.owner, record.participant_type):
        raise NotPermitted(
            f"This enrolment is for {record.identity} ({record.participant_type} of "
            f"{record.owner}) and nobody else",
            {"participant_id": request.participant_id, "identity": record.identity},
            remedy=f"Register as {record.identity} with that owner and type; whoever else takes "
            f"part needs a profile: `phoenix-dma enrol participant {request.participant_id}`.",
        )


def _may_enrol(enroller: Principal, participant_id: str) -> bool:
    return any(
        fnmatchcase(participant_id, _only_star_is_special(one)) for one in enroller.may_enrol
    )


def _only_star_is_special(pattern: str) -> str:
    """``pattern`` with ``?`` and brackets escaped for fnmatch: only ``*`` stands for anything."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
