"""Checks of what an operator orders: enrolments, and roles of identities."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Principal, Role
from registry_svc.domain.checks import Checks
from registry_svc.domain.identity.enrolment import DEFAULT_TYPE
from registry_svc.domain.identity.records import HUMAN, ROLES, USUAL, EnrolmentKind, EnrolmentOrder

PARTICIPANT: Final = EnrolmentKind.PARTICIPANT
PERSON: Final = EnrolmentKind.PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class RawOrder:
    """What was asked for, unchecked; ``kind`` is None where it is none of ours."""

    kind: EnrolmentKind | None
    identity: str = ""
    owner: str = ""
    participant_type: str = ""
    roles: Sequence[Role] = ()


def parse_order(raw: RawOrder) -> EnrolmentOrder:
    """Check an order and fill in its defaults; raises `FieldInvalid` with all violations."""
    checks = Checks()
    kind = raw.kind
    if kind is None:
        checks.refuse("kind", "has to be participant, person or submitter")
    elif kind is PARTICIPANT and not raw.identity:
        _check_open(checks, raw)
    else:
        checks.identifier("identity", raw.identity)
        _check_named(checks, raw, kind)
    checks.raise_any()
    kind = kind or PARTICIPANT  # what raised is over
    roles = tuple(sorted(set(raw.roles) - {Role.PARTICIPANT})) or USUAL[kind]
    if kind is EnrolmentKind.SUBMITTER or not raw.identity:
        return EnrolmentOrder(kind=kind, identity=raw.identity, roles=roles)
    return EnrolmentOrder(
        kind=kind,
        identity=raw.identity,
        owner=raw.owner or raw.identity,
        participant_type=HUMAN if kind is PERSON else raw.participant_type or DEFAULT_TYPE,
        roles=roles,
    )


def require_may_enrol(by: Principal) -> None:
    """Raise `NotPermitted` for a participant that is no person: an agent enrols nobody."""
    if by.participant and by.participant_type != HUMAN:
        raise NotPermitted(
            f"{by.participant} is a participant of type {by.participant_type}, and enrols nobody",
            {"participant_id": by.participant},
            remedy="Have a person, or a program that is no participant, do it as an operator.",
        )


def require_somebody_else(by: Principal, identity: str) -> None:
    """Raise `NotPermitted` where ``identity`` is the caller's own."""
    if identity in by.names:
        raise NotPermitted(
            "Nobody disables themselves",
            {"identity": identity},
            remedy="Ask another operator to do it.",
        )


def require_may_give(by: Principal, kind: EnrolmentKind, roles: Collection[Role]) -> None:
    """Raise `NotPermitted` for roles that nobody of ``kind`` may have, or that ``by`` lacks."""
    wanted = frozenset(roles)
    unfit = sorted(role.value for role in wanted - ROLES[kind])
    if unfit:
        raise NotPermitted(
            f"No {kind.value} is given the role {', '.join(unfit)}",
            {"kind": kind.value, "roles": ", ".join(unfit)},
            remedy=f"A {kind.value} may have: {', '.join(sorted(ROLES[kind]))}.",
        )
    missing = sorted(role.value for role in wanted - by.roles)
    if missing:
        raise NotPermitted(
            f"You do not hold {', '.join(missing)}",
            {"missing_roles": ", ".join(missing)},
            remedy="Ask somebody who holds it to give it.",
        )


def _check_open(checks: Checks, raw: RawOrder) -> None:
    for field in ("owner", "participant_type"):
        if getattr(raw, field):
            checks.refuse(field, "is chosen with the identity, at the first use")


def _check_named(checks: Checks, raw: RawOrder, kind: EnrolmentKind) -> None:
    if kind is EnrolmentKind.SUBMITTER:
        for field in ("owner", "participant_type"):
            if getattr(raw, field):
                checks.refuse(field, "is a participant's, and a submitter is none")
        return
    if kind is PARTICIPANT or raw.owner:
        checks.identifier("owner", raw.owner)
    if kind is PERSON and raw.participant_type not in {"", HUMAN}:
        checks.refuse("participant_type", f"of a person is {HUMAN}")
    elif kind is PARTICIPANT:
        checks.name("participant_type", raw.participant_type or DEFAULT_TYPE)
        if raw.participant_type == HUMAN:
            checks.refuse("participant_type", "of a person is enrolled with the kind person")
