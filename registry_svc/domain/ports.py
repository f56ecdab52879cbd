"""The ports of the registry: its store, its credentials, and the events that it publishes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from phoenix_runtime.core import ports
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.errors import Unavailable
from phoenix_runtime.core.events import AuditDraft
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.ports import Journal
from phoenix_runtime.core.principal import Call, Principal
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.discovery_index import Indexed, RowTotals
from registry_svc.domain.graph import Edge, EdgeFilter
from registry_svc.domain.health import Health
from registry_svc.domain.identity.enrolment import Credential
from registry_svc.domain.identity.records import Enrolment, EnrolmentFilter
from registry_svc.domain.participant import Participant
from registry_svc.domain.ranking import KnownTrust
from registry_svc.domain.session import LeaseKey, ParticipantKey

HEARTBEAT: Final = "HEARTBEAT"
DIRECTIVES_WAITING: Final = "DIRECTIVES_WAITING"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantFilter:
    """Which participants are listed, and in which order; an empty field matches all."""

    statuses: frozenset[ParticipantStatus] = frozenset()
    types: frozenset[str] = frozenset()
    owner: str = ""
    newest_first: bool = False


class IdTaken(Unavailable):
    """Somebody else registered the id at the same moment; this unit was rolled back."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The answer of a participant to a directive; ``error`` says why it refuses, where it does."""

    participant_id: str
    directive_id: str
    error: str = ""


class Participants(Protocol):
    """The participants of the unit's tenant, their registrations and their edges."""

    async def lock_participants(self, participant_ids: Iterable[str]) -> dict[str, Participant]:
        """Lock participants until commit, in the order of their ids; unknown ids are left out."""
        ...

    async def add_participant(self, participant: Participant) -> None:
        """Write the first row of an id, and its edges; the unit ends with `IdTaken` if it has one.

        Nothing is locked before: of two first registrations one commits.
        """
        ...

    async def save_participants(self, participants: Sequence[Participant]) -> None:
        """Write back what transitions changed in locked rows."""
        ...

    async def save_claims(self, participant: Participant) -> None:
        """Write a row whose claims or grants changed, and its edges."""
        ...

    async def add_generation(self, participant: Participant, receipt: Receipt) -> None:
        """Record a registration beside the row, under its generation."""
        ...

    async def find_participant(self, participant_id: str) -> Participant | None:
        """One participant, or None."""
        ...

    async def find_participants(self, participant_ids: Sequence[str]) -> tuple[Participant, ...]:
        """Those of the ids that are known."""
        ...

    async def list_participants(
        self, wanted: ParticipantFilter, *, after: str, limit: int
    ) -> tuple[Participant, ...]:
        """Participants by id, after ``after``."""
        ...

    async def page_participants(
        self, wanted: ParticipantFilter, page: PageRequest
    ) -> Page[Participant]:
        """A page of participants, by id or newest first."""
        ...

    async def list_edges(
        self, wanted: EdgeFilter, *, after: tuple[str, ...], limit: int
    ) -> tuple[Edge, ...]:
        """Edges by participant, kind and name."""
        ...


class IndexRows(Protocol):
    """What the index of discovery reads of the unit's tenant."""

    async def indexed_after(self, participant_id: str, *, limit: int) -> Sequence[Indexed]:
        """Participants who are not RETIRED, in the order of their ids, after ``participant_id``."""
        ...

    async def indexed_of(self, participant_ids: Sequence[str]) -> Sequence[Indexed]:
        """Those of the ids that are known, the RETIRED too."""
        ...

    async def versions_after(self, participant_id: str, *, limit: int) -> Sequence[tuple[str, int]]:
        """Ids and versions of who is not RETIRED, in the order of the ids."""
        ...

    async def index_totals(self) -> RowTotals:
        """What the index is compared with."""
        ...


class Directives(Protocol):
    """Directives to the participants of the unit's tenant, kept until acknowledged."""

    async def add_directives(self, directives: Sequence[Directive]) -> int:
        """Store directives; answers how many were new."""
        ...

    async def acknowledge_directives(self, acks: Sequence[Acknowledgement]) -> None:
        """Mark directives as taken or refused, each only for the participant it was for."""
        ...

    async def waiting_directives(
        self, participant_ids: Sequence[str], *, limit: int
    ) -> tuple[Directive, ...]:
        """Unacknowledged directives, at most ``limit`` a participant, oldest first."""
        ...


class Enrolments(Protocol):
    """The issuer's records of the unit's tenant."""

    async def lock_new_identity(self, identity: str) -> None:
        """Lock an identity until commit, so that two first enrolments go one by one."""
        ...

    async def save_enrolment(self, enrolment: Enrolment) -> None:
        """Write or replace a record."""
        ...

    async def find_enrolment(self, enrolment_id: str) -> Enrolment | None:
        """One record, or None."""
        ...

    async def lock_enrolment(self, enrolment_id: str) -> Enrolment | None:
        """One record, locked until commit, or None."""
        ...

    async def enrolments_of(self, identity: str) -> tuple[Enrolment, ...]:
        """The records of an identity, oldest first."""
        ...

    async def lock_enrolments_of(self, identity: str) -> tuple[Enrolment, ...]:
        """The records of an identity, oldest first, locked until commit."""
        ...

    async def list_enrolments(self, wanted: EnrolmentFilter, page: PageRequest) -> Page[Enrolment]:
        """A page of records, newest first."""
        ...


class Unit(Journal, Participants, IndexRows, Directives, Enrolments, Protocol):
    """One transaction of the registry: all of it is committed, or nothing."""

    async def audit_for(self, call: Call, draft: AuditDraft) -> Receipt:
        """Write an event of another call of the tenant; see `Journal.audit`."""
        ...


Units: TypeAlias = ports.Units[Unit]
"""Opens units."""


class LeaseHolders(Protocol):
    """The holders of leases across tenants; workers only."""

    async def lease_holders(self) -> tuple[LeaseKey, ...]:
        """Leased participants that are REGISTERED, ACTIVE, DEGRADED, or RETIRING with a lease."""
        ...


class CredentialIssuer(Protocol):
    """Makes credentials."""

    def issue(self, principal: Principal) -> Credential:
        """A signed token that proves ``principal`` for at most 15 minutes."""
        ...

    def enrolment(self, enrolment: Enrolment, tenant: str) -> str:
        """A signed token that opens nothing but Enrol, for what the record says."""
        ...

    def jwks(self) -> str:
        """The public keys, a JWKS document."""
        ...


@dataclass(frozen=True, slots=True)
class VerifiedCredential:
    """A verified credential: the principal it proves, and until when."""

    principal: Principal
    expires_at: datetime


class CredentialVerifier(Protocol):
    """Verifies credentials that come inside a message."""

    def verify(self, token: str) -> VerifiedCredential:
        """The principal of ``token``; raises `CredentialInvalid`."""
        ...

    def of_call(self, call: Call) -> VerifiedCredential:
        """The credential that the call itself came with."""
        ...


@dataclass(frozen=True, slots=True)
class HeartbeatNotice:
    """A heartbeat to publish: at most one a participant in `PUBLISH_SECONDS`."""

    tenant: str
    participant_id: str
    health: Health


class EventPublisher(Protocol):
    """Publishes events on the bus that are no audit events; they may be lost.

    Raises `Unavailable`.
    """

    async def heartbeats(self, notices: Sequence[HeartbeatNotice]) -> None:
        """Publish HEARTBEAT events."""
        ...

    async def directives_waiting(self, keys: Sequence[ParticipantKey]) -> None:
        """Publish DIRECTIVES_WAITING: the replica with the participant's stream delivers."""
        ...


class TrustSource(Protocol):
    """Governance, as whoever orders participants by trust asks it."""

    async def trust_of(self, call: Call, participant_ids: Sequence[str]) -> Sequence[KnownTrust]:
        """One answer an id, in order; raises `PolicyEngineUnavailable` where there is none."""
        ...


class Governance(ports.Policy, TrustSource, Protocol):
    """Governance as the registry asks it."""
