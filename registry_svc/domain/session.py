"""The session of one generation of a participant: all that a heartbeat touches (I11)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.health import Health, HealthState, HeartbeatSummary
from registry_svc.domain.lifecycle import ParticipantVerb, heartbeat_verb


@dataclass(frozen=True, slots=True, order=True)
class ParticipantKey:
    """A participant of a tenant."""

    tenant: str
    participant_id: str


@dataclass(frozen=True, slots=True, order=True)
class LeaseKey:
    """One generation of a participant, which holds a lease."""

    tenant: str
    participant_id: str
    generation: int

    @property
    def key(self) -> ParticipantKey:
        """The participant."""
        return ParticipantKey(self.tenant, self.participant_id)


class LeaseLostReason(StrEnum):
    """Why a slot loses its lease (the short names of the schema)."""

    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    RETIRED = "retired"
    CREDENTIAL = "credential"
    UNKNOWN = "unknown"
    SLOW_READER = "slow_reader"


class SessionStream(Protocol):
    """An open stream, as its sessions see it. No method waits."""

    def send_directive(self, slot: int, directive: Directive) -> bool:
        """Queue a directive; False where the stream's buffer is full."""
        ...

    def revoke(self, slot: int, reason: LeaseLostReason, participant_id: str, text: str) -> None:
        """Take the slot's lease away."""
        ...


class Session:
    """A generation that is or was present. Mutable: a heartbeat costs a few assignments."""

    __slots__ = (
        "_first_interval",
        "_interval",
        "_worst_latency",
        "_worst_load",
        "counted_interval",
        "generation",
        "in_flight",
        "kept",
        "key",
        "last_beat",
        "latency",
        "lease",
        "lease_from",
        "leased",
        "load",
        "newest",
        "previous",
        "published_at",
        "slot",
        "state",
        "status",
        "stream",
        "summary_from",
        "suspect",
        "up_to_date",
    )

    def __init__(self, lease: LeaseKey, status: ParticipantStatus, *, leased: bool) -> None:
        self.lease = lease
        self.key = lease.key
        self.generation = lease.generation
        self.newest = True
        """False for an older generation, which may finish its work and changes no state."""
        self.status = status
        self.leased = leased
        self.last_beat: float | None = None
        self.lease_from = float("-inf")
        """When the lease began or was last renewed (monotonic)."""
        self.load: float | None = None
        self.latency: float | None = None
        self.state = HealthState.SERVING
        self.suspect = False
        self.up_to_date = self.pending_verb is None
        """False while the last heartbeat asks for another state than PostgreSQL has."""
        self.stream: SessionStream | None = None
        self.slot = -1
        self.previous: Session | None = None
        """The generation before, until this one attaches and supersedes it."""
        self.in_flight: dict[str, float] = {}
        """Directives sent and not acknowledged, and when each was sent (monotonic)."""
        self.published_at = float("-inf")
        """When a HEARTBEAT event was last published (monotonic)."""
        self.summary_from = 0.0
        """The start of the heartbeats that no event has summarised yet (monotonic)."""
        self.counted_interval = -1
        """The number of the interval that was last counted as kept: two heartbeats in one interval
        keep one."""
        self.kept = 0
        self._interval = 0.0
        self._first_interval = 0
        self._worst_load: float | None = None
        self._worst_latency: float | None = None

    @property
    def pending_verb(self) -> ParticipantVerb | None:
        """The verb that the last heartbeat asks for; None where the state is right already."""
        return heartbeat_verb(self.status, serving=self.state is HealthState.SERVING)

    def start_counting(self, now: float, interval: float) -> None:
        """Start the lease at ``now``; then a heartbeat is due every ``interval`` seconds."""
        self.lease_from = self.summary_from = now
        self._interval = interval
        self._first_interval = int(now / interval)

    def report(self, load: float | None, state: HealthState | None, latency: float | None) -> None:
        """Take what a heartbeat reports; None leaves what was known."""
        if load is not None:
            self.load = load
            if self._worst_load is None or load > self._worst_load:
                self._worst_load = load
        if latency is not None:
            self.latency = latency
            if self._worst_latency is None or latency > self._worst_latency:
                self._worst_latency = latency
        if state is not None and state is not self.state:
            self.state = state
            self.up_to_date = self.pending_verb is None

    def health(self, trust: float | None) -> Health:
        """The newest known health, with the ``trust`` of the last decision."""
        return Health(
            last_beat=self.last_beat,
            load=self.load,
            latency=self.latency,
            trust=trust,
            suspect=self.suspect,
            state=self.state,
        )

    def summary(self, now: float) -> HeartbeatSummary:
        """The heartbeats due and kept that no event has summarised yet."""
        due = max(int(now / self._interval) - self._first_interval, self.kept)
        return HeartbeatSummary(
            due=due,
            kept=self.kept,
            worst_load=self._worst_load,
            worst_latency=self._worst_latency,
        )

    def summarised(self, summary: HeartbeatSummary, now: float) -> None:
        """Count anew: ``summary`` stands in a committed event."""
        self.summary_from = now
        self.kept = max(0, self.kept - summary.kept)
        self._first_interval = int(now / self._interval)
        self._worst_load = self.load
        self._worst_latency = self.latency
