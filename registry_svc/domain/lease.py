"""How long a lease lasts, and how a beat is answered."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """All in seconds. Raises ValueError where a client could not keep its lease.

    ``margin`` is how late a deadline may be written behind: clients are granted that much less, so
    that they know of their loss before the runtime does.
    """

    ttl: float = 10.0
    interval: float = 3.0
    margin: float = 1.0
    patience: float = 0.5
    """Of an interval, how much longer a beat may take before it counts as missed."""

    def __post_init__(self) -> None:
        if not 0 < self.interval <= self.granted:
            raise ValueError("an interval has to be shorter than ttl - margin")

    @property
    def granted(self) -> float:
        """What a client is told."""
        return self.ttl - self.margin

    @property
    def hop_patience(self) -> float:
        """The silence after which a gateway is taken to hang: before anybody behind it expires."""
        return min(1.5, (self.ttl - self.interval) / 2)

    @property
    def hop_longest(self) -> float:
        """For how long the silence of a gateway excuses those behind it."""
        return 2 * self.ttl

    @property
    def replica_patience(self) -> float:
        """The silence after which another replica is late: before anybody it hears expires."""
        return max(self.margin, self.hop_patience)

    @property
    def missed_after(self) -> float:
        """The silence after which an ACTIVE participant is DEGRADED."""
        return self.interval * (1.0 + self.patience)
