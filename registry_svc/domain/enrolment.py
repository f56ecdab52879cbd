"""Who gets a credential: what an enrolment holds, and what it may be exchanged for."""

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

LONGEST_LIFE: Final = timedelta(minutes=15)
"""No credential lives longer; the SDK renews it."""
DEFAULT_TYPE: Final = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """What is asked for. Without ``participant_id`` a credential for a person or program."""

    participant_id: str = ""
    owner: str = ""
    participant_type: str = ""
    roles: Sequence[Role] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """A signed token and when it lapses."""

    token: str
    expires: datetime


def parse_enrolment(raw: EnrolmentRequest) -> EnrolmentRequest:
    """The request, once nothing is wrong with it; raises `FieldInvalid` with all violations."""
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


def enrolled(enroller: Principal, request: EnrolmentRequest) -> Principal:
    """Whom the new credential proves; raises `NotPermitted` for more than the enrolment holds.

    A participant may always act for itself: that role is what ``may_enrol`` stands for. Its
    subject is its id, so that the audit names it and not whoever enrolled it.
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


def require_free_for(known: Participant | None, request: EnrolmentRequest) -> None:
    """Raise `NotPermitted` where the id belongs to another owner or type, or has no future."""
    if known is not None:
        _require_whose(known, request.owner, request.participant_type)
        _require_future(known)


def require_same(known: Participant | None, principal: Principal) -> None:
    """Raise `NotPermitted` where a credential is not the participant's any more."""
    if known is not None:
        _require_whose(known, principal.owner, principal.participant_type)
        _require_future(known)


def _require_whose(known: Participant, owner: str, kind: str) -> None:
    declared = known.declaration
    if (declared.owner, declared.type) != (owner, kind):
        # It is not said whose it is: an enrolment is no way to find that out.
        raise NotPermitted(
            f"{known.id} is registered under another owner or type",
            {"participant_id": known.id},
        )


def _require_future(known: Participant) -> None:
    """One that is SUSPENDED or RETIRED gets no credential."""
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
    return any(fnmatchcase(participant_id, _star_only(one)) for one in enroller.may_enrol)


def _star_only(pattern: str) -> str:
    """``*`` alone is special: a ``?`` or a bracket in a pattern means itself."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
