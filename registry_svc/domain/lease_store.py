"""The port to the lease store (Redis): deadlines, and the claims on those that have passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from registry_svc.domain.session import LeaseKey


class LeaseStoreState(Enum):
    """Whether the store's deadlines can be relied upon."""

    STEADY = auto()
    NEW = auto()
    """Flushed, restarted, failed over, or never seeded: its deadlines are incomplete."""
    DRIFTED = auto()
    """Its clock and ours moved apart by more than a second since the last look."""
    REPLICA_LATE = auto()
    """Another replica is late: heartbeats that it received may not be written yet."""


@dataclass(frozen=True, slots=True)
class LeaseClaim:
    """An expired lease, claimed by this replica until ``score``, the store's time in ms."""

    lease: LeaseKey
    score: int


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The state of the store, and the expired leases that were claimed.

    ``next_in`` is the seconds until the earliest deadline that has not passed; None for none.
    """

    state: LeaseStoreState
    claims: tuple[LeaseClaim, ...] = ()
    next_in: float | None = None


class LeaseStore(Protocol):
    """The deadlines of leases. Every method raises `Unavailable` where the store is away."""

    async def write(self, deadlines: Mapping[LeaseKey, float]) -> None:
        """Set deadlines, in seconds from now."""
        ...

    async def mark_seeded(self) -> None:
        """Mark the store as complete: what it does not hold has no lease, no replica is late."""
        ...

    async def report_alive(self, seconds: float) -> None:
        """Report that this replica writes deadlines; it is late after ``seconds`` without that."""
        ...

    async def remaining(self, leases: Sequence[LeaseKey]) -> dict[LeaseKey, float]:
        """The seconds until these deadlines, whoever wrote them; without those that have none."""
        ...

    async def claim_expired(self, limit: int) -> SweepResult:
        """Claim at most ``limit`` leases whose deadline has passed, for `lease.CLAIM_SECONDS`."""
        ...

    async def release(self, claims: Sequence[LeaseClaim]) -> None:
        """Remove claimed leases, each only while its score is still the claim's."""
        ...


class EndedLeases(Protocol):
    """Leases that are over because somebody who debugs says so."""

    async def take(self) -> Sequence[LeaseKey]:
        """Take what was said since the last time; raises `Unavailable`."""
        ...
