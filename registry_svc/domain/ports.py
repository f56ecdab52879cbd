"""What the use cases need of the world: the store, the lease store, the issuer, the news."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, Protocol

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.events import AuditDraft
from phoenix_runtime.core.principal import Call, Principal
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.discovery import Need
from registry_svc.domain.enrolment import Credential
from registry_svc.domain.graph import Edge, EdgeFilter
from registry_svc.domain.participant import Participant
from registry_svc.domain.presence import Key, LeaseKey
from registry_svc.domain.vitals import Vitals


class RegistryUnit(Protocol):
    """One transaction in the tenant of the call: everything in it is kept, or nothing."""

    async def audit(self, draft: AuditDraft) -> Receipt:
        """Write an event with the change."""
        ...

    async def remember(self, result: Any) -> None:
        """Store the answer with its effect; called last."""
        ...

    async def lock(self, participant_ids: Iterable[str]) -> dict[str, Participant]:
        """The participants as they stand now, locked in the order of their ids until commit.

        Unknown ids are left out.
        """
        ...

    async def claim_id(self, participant_id: str) -> None:
        """Hold an id that has no row yet, so that two first registrations go one by one."""
        ...

    async def save(self, participants: Sequence[Participant]) -> None:
        """Write what changed in rows that are locked."""
        ...

    async def enter(self, participant: Participant, receipt: Receipt) -> None:
        """Write a registration: the row, its edges, the record of its generation."""
        ...

    async def rewrite(self, participant: Participant) -> None:
        """Write a row whose claims or grants changed, and its edges."""
        ...

    async def store_directives(self, directives: Sequence[Directive]) -> int:
        """Keep directives until acknowledged; answers how many were new."""
        ...

    async def acknowledge(self, acks: Sequence["Acknowledgement"]) -> None:
        """Mark directives as taken or refused, each only for the participant it was for."""
        ...


class Units(Protocol):
    """Begins units."""

    def __call__(self, call: Call) -> AbstractAsyncContextManager[RegistryUnit]:
        """A unit in the call's tenant; committed at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantFilter:
    """Which participants are listed; an empty field lists all."""

    statuses: frozenset[ParticipantStatus] = frozenset()
    types: frozenset[str] = frozenset()
    owner: str = ""


class Registry(Protocol):
    """The committed truth, read only."""

    async def get(self, tenant: str, participant_id: str) -> Participant | None:
        """One participant, or None."""
        ...

    async def many(self, tenant: str, participant_ids: Sequence[str]) -> tuple[Participant, ...]:
        """Those of the ids that are known."""
        ...

    async def page(
        self, tenant: str, wanted: ParticipantFilter, *, after: str, limit: int
    ) -> tuple[Participant, ...]:
        """Participants by id, behind ``after``."""
        ...

    async def matching(
        self, tenant: str, need: Need, *, after: str, limit: int
    ) -> tuple[Participant, ...]:
        """Who is granted everything that is needed and is in a state that will do; by id."""
        ...

    async def near(self, tenant: str, need: Need, *, limit: int) -> tuple[Participant, ...]:
        """Who has at least one of the capabilities and yet does not match."""
        ...

    async def edges(
        self, tenant: str, wanted: EdgeFilter, *, after: tuple[str, ...], limit: int
    ) -> tuple[Edge, ...]:
        """Edges by participant, kind and name."""
        ...

    async def waiting(
        self, tenant: str, participant_ids: Sequence[str], *, limit: int
    ) -> tuple[Directive, ...]:
        """Unacknowledged directives of these participants, oldest first."""
        ...


class LeaseHolders(Protocol):
    """Everybody whose lease runs, across tenants; workers only."""

    async def all(self) -> tuple[LeaseKey, ...]:
        """The leased who are REGISTERED, ACTIVE, DEGRADED or RETIRING with a lease to lose."""
        ...


class SweepState(Enum):
    """What the lease store says of itself."""

    STEADY = auto()
    NEW = auto()
    """Flushed, restarted, failed over, or never seeded: it knows nothing."""
    DRIFTED = auto()
    """Its clock and ours moved apart by more than a second since the last look."""
    UNWATCHED = auto()
    """Another replica is late: what it has heard since, nobody knows."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease that ran out, claimed for a while: ``score`` is what it was re-scored to."""

    lease: LeaseKey
    score: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one look at the lease store found."""

    state: SweepState
    claims: tuple[Claim, ...] = ()


class Leases(Protocol):
    """The deadlines in Redis. Every method raises `Unavailable` where it is away."""

    async def write(self, deadlines: Mapping[LeaseKey, float]) -> None:
        """Set deadlines, in seconds from now."""
        ...

    async def seeded(self) -> None:
        """Mark the store as seeded: what it does not hold has no lease, no replica is late."""
        ...

    async def watching(self, seconds: float) -> None:
        """Say that this replica watches, and is late where it does not say so again in time."""
        ...

    async def left(self, leases: Sequence[LeaseKey]) -> dict[LeaseKey, float]:
        """The seconds until these deadlines, whoever wrote them; without those that have none."""
        ...

    async def sweep(self, limit: int) -> Sweep:
        """Claim at most ``limit`` leases whose deadline has passed, for `CLAIM_SECONDS`."""
        ...

    async def release(self, claims: Sequence[Claim]) -> None:
        """Remove claimed leases, each only while its score is still the claim's."""
        ...


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A directive arrived; ``error`` says why it is refused, where it is."""

    participant_id: str
    directive_id: str
    error: str = ""


class Issuer(Protocol):
    """Makes credentials."""

    def issue(self, principal: Principal) -> Credential:
        """A signed token that proves ``principal`` for at most 15 minutes."""
        ...

    def jwks(self) -> str:
        """The public keys."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified credential: whom it proves, and until when."""

    principal: Principal
    expires: datetime


class Credentials(Protocol):
    """Checks credentials that come inside a message."""

    def verify(self, token: str) -> Proof:
        """Raises `CredentialInvalid`."""
        ...

    def of_call(self, call: Call) -> Proof:
        """The credential that the call itself came with."""
        ...


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life, worth at most one piece of news per participant and 10 s."""

    tenant: str
    participant_id: str
    vitals: Vitals


HEARTBEAT: Final = "HEARTBEAT"
DIRECTIVES_WAITING: Final = "DIRECTIVES_WAITING"


class EventPublisher(Protocol):
    """Tells whoever wants to react; allowed to be lost."""

    async def heartbeats(self, signs: Sequence[Sign]) -> None:
        """Publish HEARTBEAT events."""
        ...

    async def mail(self, keys: Sequence[Key]) -> None:
        """Publish DIRECTIVES_WAITING: whoever has these participants on a stream delivers."""
        ...
