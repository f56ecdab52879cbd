"""How long a lease lasts, and which silence counts as what."""

from dataclasses import dataclass
from typing import Final

CLAIM_SECONDS: Final = 10.0
"""How long a claimed lease is left alone by other replicas."""
LONGEST_GATEWAY_SILENCE: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """All in seconds. Raises ValueError where a client could not keep its lease.

    ``margin`` is how late a deadline may be written behind. Clients are granted that much less, so
    that they know of their loss before the runtime does.
    """

    ttl: float = 10.0
    interval: float = 3.0
    margin: float = 1.0
    tolerance: float = 0.5
    """The part of an interval that a heartbeat may be late before it counts as missed."""

    def __post_init__(self) -> None:
        if not 0 < self.interval <= self.granted:
            raise ValueError("an interval has to be shorter than ttl - margin")

    @property
    def granted(self) -> float:
        """The length of the lease that a client is granted."""
        return self.ttl - self.margin

    @property
    def gateway_silent_after(self) -> float:
        """The silence after which a gateway counts as hanging: before anybody behind it expires."""
        return min(LONGEST_GATEWAY_SILENCE, (self.ttl - self.interval) / 2)

    @property
    def gateway_excused_for(self) -> float:
        """The silence of a gateway up to which those behind it are excused."""
        return 2 * self.ttl

    @property
    def replica_late_after(self) -> float:
        """The silence after which another replica is late: before anybody it serves expires."""
        return max(self.margin, self.gateway_silent_after)

    @property
    def missed_after(self) -> float:
        """The silence after which an ACTIVE participant is DEGRADED."""
        return self.interval * (1.0 + self.tolerance)


DEFAULT_TERMS: Final = LeaseTerms()
