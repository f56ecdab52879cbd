"""One participant's being here, in memory: what a beat touches and nothing else (I11)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.vitals import HealthState, Tally, Vitals

SERVABLE: Final = frozenset({ParticipantStatus.REGISTERED, ParticipantStatus.DEGRADED})
DEGRADABLE: Final = frozenset({ParticipantStatus.REGISTERED, ParticipantStatus.ACTIVE})


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A participant of a tenant."""

    tenant: str
    participant_id: str


@dataclass(frozen=True, slots=True, order=True)
class LeaseKey:
    """One generation of a participant: what a lease is held by."""

    tenant: str
    participant_id: str
    generation: int

    @property
    def key(self) -> Key:
        """The participant."""
        return Key(self.tenant, self.participant_id)


class Loss(StrEnum):
    """Why a slot loses its lease (the short names of the schema)."""

    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    RETIRED = "retired"
    CREDENTIAL = "credential"
    UNKNOWN = "unknown"
    SLOW_READER = "slow_reader"


class Line(Protocol):
    """An open stream, as far as its participants are concerned. Nothing here waits."""

    def direct(self, slot: int, directive: Directive) -> bool:
        """Queue a directive; False where the reader has no room for it."""
        ...

    def lose(self, slot: int, loss: Loss, participant_id: str, text: str) -> None:
        """Take the slot's lease away."""
        ...


class Presence:
    """A generation that is or was here. Mutable on purpose: a beat costs a few assignments."""

    __slots__ = (
        "_first_interval",
        "_interval",
        "_worst_latency",
        "_worst_load",
        "announced",
        "counted",
        "generation",
        "in_flight",
        "kept",
        "key",
        "last_beat",
        "latency",
        "lease",
        "lease_from",
        "leased",
        "line",
        "load",
        "newest",
        "older",
        "settled",
        "slot",
        "state",
        "status",
        "suspect",
        "tally_from",
    )

    def __init__(self, lease: LeaseKey, status: ParticipantStatus, *, leased: bool) -> None:
        self.lease = lease
        self.key = lease.key
        self.generation = lease.generation
        self.newest = True
        """False for an older generation, which may finish what it has and moves nobody."""
        self.status = status
        self.leased = leased
        self.last_beat: float | None = None
        self.lease_from = float("-inf")
        """When the lease began or was last renewed (monotonic)."""
        self.load: float | None = None
        self.latency: float | None = None
        self.state = HealthState.SERVING
        self.suspect = False
        self.settled = not self.wanted
        """False while the last beat asks for another state than PostgreSQL is known to have."""
        self.line: Line | None = None
        self.slot = -1
        self.older: Presence | None = None
        """The generation before, until this one attaches and supersedes it."""
        self.in_flight: dict[str, float] = {}
        """Directives sent and not acknowledged, and when each was sent (monotonic)."""
        self.announced = float("-inf")
        self.tally_from = 0.0
        """Since when beats are counted that no event has told of yet (monotonic)."""
        self.counted = -1
        """The interval, by number, that was counted as kept last: two beats in one keep one."""
        self.kept = 0
        self._interval = 0.0
        self._first_interval = 0
        self._worst_load: float | None = None
        self._worst_latency: float | None = None

    @property
    def wanted(self) -> str:
        """The verb that the last beat asks for, or nothing."""
        if self.state is HealthState.SERVING:
            return "beat_serving" if self.status in SERVABLE else ""
        return "beat_degraded" if self.status in DEGRADABLE else ""

    def begin(self, now: float, interval: float) -> None:
        """Begin to count beats: one is due every ``interval`` seconds from ``now`` on."""
        self.lease_from = self.tally_from = now
        self._interval = interval
        self._first_interval = int(now / interval)

    def tell(self, load: float | None, state: HealthState | None, latency: float | None) -> None:
        """What a beat says beyond being one; None says nothing new."""
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
            self.settled = not self.wanted

    def vitals(self, trust: float | None) -> Vitals:
        """The newest that is known, with the trust that the last decision found."""
        return Vitals(
            last_beat=self.last_beat,
            load=self.load,
            latency=self.latency,
            trust=trust,
            suspect=self.suspect,
            state=self.state,
        )

    def tally(self, now: float) -> Tally:
        """The beats due and kept since `begin`."""
        due = max(int(now / self._interval) - self._first_interval, self.kept)
        return Tally(
            due=due,
            kept=self.kept,
            worst_load=self._worst_load,
            worst_latency=self._worst_latency,
        )

    def told(self, tally: Tally, now: float) -> None:
        """``tally`` stands in an event now; counting goes on behind it."""
        self.tally_from = now
        self.kept = max(0, self.kept - tally.kept)
        self._first_interval = int(now / self._interval)
        self._worst_load = self.load
        self._worst_latency = self.latency
