"""The caller: what a credential proves, and what a call carries through a service."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """The roles that a credential grants (the schema's names, in short form)."""

    PARTICIPANT = "participant"
    SUBMITTER = "submitter"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    POLICY_ADMIN = "policy_admin"
    SERVICE = "service"
    ENROLLER = "enroller"
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Enroller:
    """Who enrolled somebody: the enrolment that was used, and the subject whose it is."""

    credential: str
    subject: str


@dataclass(frozen=True, slots=True)
class Descent:
    """Where a credential comes from (governance, Approvals: nobody approves their own).

    ``credential`` is the enrolment that the bearer holds and ``holder`` its subject: another one
    than the credential's own where the enrolment can enrol others. ``enrolled_by`` are those
    through whose credentials that enrolment was made, the first one first. All of it is empty for
    a credential of another issuer, which vouches for its subjects itself.
    """

    credential: str = ""
    holder: str = ""
    enrolled_by: tuple[Enroller, ...] = ()

    @property
    def credentials(self) -> tuple[str, ...]:
        """The enrolment that is held and every one that it descends from."""
        known = (self.credential, *(one.credential for one in self.enrolled_by))
        return tuple(dict.fromkeys(name for name in known if name))

    @property
    def enrollers(self) -> tuple[str, ...]:
        """The subjects through whose credentials the enrolment was made."""
        return tuple(dict.fromkeys(one.subject for one in self.enrolled_by))

    def shared_with(self, credentials: Iterable[str]) -> str:
        """The first of ``credentials`` that is held, or through which this one was made; else "".

        Whoever holds a credential through which somebody was enrolled can be that somebody.
        """
        own = self.credentials
        return next((one for one in credentials if one and one in own), "")

    def one_hand_with(self, credentials: Sequence[str]) -> str:
        """The credential by which the bearer may be the holder of ``credentials``; else empty.

        Or the other way round: the first of ``credentials`` is held, it descends from the others.
        """
        other = credentials[0] if credentials else ""
        return self.shared_with([other]) or (
            self.credential if self.credential in credentials and self.credential else ""
        )

    def subject_of(self, credential: str) -> str:
        """Whose enrolment ``credential`` is, of those in ``credentials``."""
        subjects = {one.credential: one.subject for one in self.enrolled_by}
        return {**subjects, self.credential: self.holder}[credential]


UNKNOWN_DESCENT = Descent()
"""That of a credential of another issuer, and of a service."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a verified credential. ``subject`` is the actor of the audit.

    ``participant``, ``participant_type`` and ``owner`` are empty for people and programs that are
    no participant. ``assurance`` is how the credential was proved: local, oidc, svid or service.
    """

    tenant: str
    subject: str
    roles: frozenset[Role]
    participant: str = ""
    participant_type: str = ""
    owner: str = ""
    assurance: str = "local"
    may_enrol: tuple[str, ...] = ()
    descent: Descent = UNKNOWN_DESCENT

    @property
    def borrowed(self) -> bool:
        """Whether a participant acts by an enrolment of somebody else, which can enrol others."""
        holder = self.descent.holder
        return bool(self.participant and holder and holder != self.subject)

    @property
    def names(self) -> frozenset[str]:
        """The bearer's names: subject, participant, and whose the enrolment is that it holds."""
        return frozenset({self.subject, self.participant, self.descent.holder} - {""})

    def has(self, *roles: Role) -> bool:
        """True where the principal holds any of ``roles``."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """How a repetition of this call is recognised and answered.

    ``encode`` turns the use case's result into the bytes of the response, so that the answer is
    stored in the effect's own transaction.
    """

    rpc: str
    request_id: str
    body_hash: str
    encode: Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a service serves: its principal, ids and idempotency key.

    ``service`` is the name of the calling service where a service credential came along, else
    empty. ``correlation_id`` is the request's; about a task the task's own is used instead.
    """

    principal: Principal
    correlation_id: str
    service: str = ""
    request_id: str = ""
    idempotency: Idempotency | None = None
    caused_by: str = ""
    on_behalf_of: str = ""
    metadata: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What is forwarded to the next hop beside the service's own credential (the token)."""

    @property
    def tenant(self) -> str:
        """The tenant of the credential; never of a field or header."""
        return self.principal.tenant

    @property
    def actor(self) -> str:
        """The actor that audit events name."""
        return self.principal.subject

    def about(self, correlation_id: str) -> "Call":
        """The same call, correlated with a task."""
        return replace(self, correlation_id=correlation_id)
