"""Enrolments: the issuer's records of who may be whom, and who enrolled them.

An enrolment is for one identity and nothing more. It is either named when the enrolment is made,
or, for a participant that is no person, the first one that is enrolled with it (OPEN).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from phoenix_runtime.core.lifecycle import Lifecycle, transition
from phoenix_runtime.core.principal import Enroller, Principal, Role

ENROLMENT_LIFETIME: Final = timedelta(days=3650)
"""The lifetime of an enrolment credential; what it is good for is decided by its record."""
HUMAN: Final = "human"
PREFIX: Final = "enrolment"
"""Of the ids of records; the id of an enrolment without record is made up by its issuer."""

OPERATOR: Final = "operator"
BEARER: Final = "bearer"


class EnrolmentKind(StrEnum):
    """What an enrolment is for."""

    PARTICIPANT = "participant"
    PERSON = "person"
    SUBMITTER = "submitter"


class EnrolmentStatus(StrEnum):
    """The states of an enrolment."""

    OPEN = "open"
    ACTIVE = "active"
    DISABLED = "disabled"


class EnrolmentVerb(StrEnum):
    """What can happen to an enrolment."""

    ENROL = "enrol"
    ENROL_OPEN = "enrol_open"
    CHOOSE = "choose"
    CHANGE_ROLES = "change_roles"
    DISABLE = "disable"


OPEN: Final = EnrolmentStatus.OPEN
ACTIVE: Final = EnrolmentStatus.ACTIVE
DISABLED: Final = EnrolmentStatus.DISABLED

LIFECYCLE: Final[Lifecycle[EnrolmentStatus, EnrolmentVerb]] = Lifecycle(
    "enrolment",
    [
        transition(EnrolmentVerb.ENROL, [None], ACTIVE, [OPERATOR]),
        transition(EnrolmentVerb.ENROL_OPEN, [None], OPEN, [OPERATOR]),
        transition(EnrolmentVerb.CHOOSE, [OPEN], ACTIVE, [BEARER]),
        transition(EnrolmentVerb.CHANGE_ROLES, [ACTIVE], None, [OPERATOR]),
        transition(EnrolmentVerb.DISABLE, [OPEN, ACTIVE], DISABLED, [OPERATOR]),
    ],
    ends=[DISABLED],
)
"""An identity that was disabled is enrolled again by another enrolment."""

ROLES: Final = {
    EnrolmentKind.PARTICIPANT: frozenset({Role.SUBMITTER, Role.AUDITOR}),
    EnrolmentKind.SUBMITTER: frozenset({Role.SUBMITTER, Role.AUDITOR}),
    EnrolmentKind.PERSON: frozenset(
        {Role.SUBMITTER, Role.OPERATOR, Role.REVIEWER, Role.AUDITOR, Role.POLICY_ADMIN}
    ),
}
"""The roles that an enrolment of each kind may have, beside participant.

Only people operate and decide: an agent's credential can enrol nobody (governance, Approvals).
"""
USUAL: Final = {
    EnrolmentKind.PARTICIPANT: (),
    EnrolmentKind.SUBMITTER: (Role.SUBMITTER,),
    EnrolmentKind.PERSON: (Role.REVIEWER,),
}
"""The roles of an enrolment that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentFilter:
    """Which records are listed; an empty field matches all."""

    identity: str = ""
    kinds: frozenset[EnrolmentKind] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentOrder:
    """The enrolment that an operator asks for, checked and with its defaults filled in."""

    kind: EnrolmentKind
    identity: str = ""
    owner: str = ""
    participant_type: str = ""
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """One record. ``roles`` leave out participant; ``enrolled_by`` begins with the issuer's own."""

    enrolment_id: str
    kind: EnrolmentKind
    status: EnrolmentStatus
    roles: tuple[Role, ...]
    enrolled_by: tuple[Enroller, ...]
    created_at: datetime
    updated_at: datetime
    identity: str = ""
    participant_type: str = ""
    owner: str = ""
    version: int = 1

    @property
    def aggregate(self) -> str:
        """Its name in the audit."""
        return f"enrolment/{self.enrolment_id}"

    @property
    def subject(self) -> str:
        """Whose credentials it makes; itself, as long as no identity is chosen."""
        return self.identity or self.enrolment_id

    @property
    def participates(self) -> bool:
        """Whether it is for a participant; a submitter is none."""
        return self.kind is not EnrolmentKind.SUBMITTER

    def chosen(self, identity: str, owner: str, participant_type: str, at: datetime) -> "Enrolment":
        """The open enrolment as that of one participant, for ever; raises `IllegalTransition`."""
        moved = self._moved(EnrolmentVerb.CHOOSE, BEARER, at)
        return replace(moved, identity=identity, owner=owner, participant_type=participant_type)

    def with_roles(
        self, grant: Collection[Role], revoke: Collection[Role], at: datetime
    ) -> "Enrolment":
        """The enrolment with other roles; raises `IllegalTransition` where it is not active."""
        held = (frozenset(self.roles) | frozenset(grant)) - frozenset(revoke)
        moved = self._moved(EnrolmentVerb.CHANGE_ROLES, OPERATOR, at)
        return replace(moved, roles=tuple(sorted(held)))

    def disabled(self, at: datetime) -> "Enrolment":
        """The enrolment, which gets no credential any more; raises `IllegalTransition`."""
        return self._moved(EnrolmentVerb.DISABLE, OPERATOR, at)

    def _moved(self, verb: EnrolmentVerb, actor: str, at: datetime) -> "Enrolment":
        status = LIFECYCLE.apply(self.status, verb, actor)
        return replace(self, status=status, version=self.version + 1, updated_at=at)


def made(order: EnrolmentOrder, by: Principal, *, enrolment_id: str, at: datetime) -> Enrolment:
    """The record of a new enrolment, made through the credential of ``by``."""
    verb = EnrolmentVerb.ENROL if order.identity else EnrolmentVerb.ENROL_OPEN
    descent = by.descent
    enroller = Enroller(descent.credential, descent.holder or by.subject)
    return Enrolment(
        enrolment_id=enrolment_id,
        kind=order.kind,
        status=LIFECYCLE.apply(None, verb, OPERATOR),
        identity=order.identity,
        participant_type=order.participant_type,
        owner=order.owner,
        roles=order.roles,
        enrolled_by=(*descent.enrolled_by, enroller),
        created_at=at,
        updated_at=at,
    )


def is_disabled(records: Sequence[Enrolment]) -> bool:
    """Whether an identity with these records was enrolled once, and is not any more."""
    return bool(records) and all(one.status is DISABLED for one in records)
