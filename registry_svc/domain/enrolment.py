"""Credentials: what an enrolment may be exchanged for, and who may renew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Principal, Role
from registry_svc.domain.checks import Checks
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
        )
    if not _may_enrol(enroller, request.participant_id):
        raise NotPermitted(
            f"This enrolment does not cover {request.participant_id}",
            {"participant_id": request.participant_id, "may_enrol": ", ".join(enroller.may_enrol)},
        )
    return Principal(
        tenant=enroller.tenant,
        subject=request.participant_id,
        roles=roles | {Role.PARTICIPANT},
        participant=request.participant_id,
        participant_type=request.participant_type,
        owner=request.owner,
        assurance=enroller.assurance,
    )


def require_enrollable(known: Participant | None, request: EnrolmentRequest) -> None:
    """Raise `NotPermitted` where the id has another owner or type, or is SUSPENDED or RETIRED."""
    if known is not None:
        _require_owner_and_type(known, request.owner, request.participant_type)
        _require_not_out(known)


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
        )


def _require_not_out(known: Participant) -> None:
    """Raise `NotPermitted` for a participant that is SUSPENDED or RETIRED."""
    if known.status in {SUSPENDED, RETIRED}:
        raise NotPermitted(
            f"{known.id} is {known.status.value} and gets no credential",
            {"participant_id": known.id, "status": known.status.value},
        )


def _roles(enroller: Principal, request: EnrolmentRequest) -> frozenset[Role]:
    if not request.roles:
        return frozenset() if request.participant_id else enroller.roles
    wanted = frozenset(request.roles) - ({Role.PARTICIPANT} if request.participant_id else set())
    missing = sorted(role.value for role in wanted - enroller.roles)
    if missing:
        raise NotPermitted(
            f"This enrolment does not hold {', '.join(missing)}",
            {"missing_roles": ", ".join(missing)},
        )
    return wanted


def _may_enrol(enroller: Principal, participant_id: str) -> bool:
    return any(
        fnmatchcase(participant_id, _only_star_is_special(one)) for one in enroller.may_enrol
    )


def _only_star_is_special(pattern: str) -> str:
    """``pattern`` with ``?`` and brackets escaped for fnmatch: only ``*`` stands for anything."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
