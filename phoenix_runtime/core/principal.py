"""The caller: what a credential proves, and what a call carries through a service."""

from collections.abc import Callable
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
