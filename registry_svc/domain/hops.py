"""Gateways as the registry hears them: one that is silent itself silences everybody behind it.

A participant that hangs falls silent alone, while its gateway is heard on. A gateway that hangs
takes the beats of thousands along: none of them is to blame, so their leases are renewed for them
for a while. That is always safe, since each participant gives up its own lease first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from registry_svc.domain.presence import Presence


class Carrier(Protocol):
    """An open stream, as far as it carries somebody."""

    def carried(self) -> Iterable[Presence]:
        """Everybody who is attached on it."""
        ...


@dataclass(eq=False, slots=True)
class Hop:
    """One connection of a gateway; ``heard`` is when anything last came over it (monotonic)."""

    peer: str
    heard: float
    carriers: set[Carrier] = field(default_factory=set)


class Hops:
    """The connections of gateways with streams on them; times are seconds.

    ``patience`` is the silence after which a gateway is taken to hang; from ``longest`` on it
    excuses nobody any more.
    """

    def __init__(self, *, patience: float, longest: float) -> None:
        self._patience = patience
        self._longest = longest
        self._hops: dict[str, Hop] = {}

    def join(self, peer: str, carrier: Carrier, now: float) -> Hop:
        """A stream opens on the connection ``peer``."""
        hop = self._hops.setdefault(peer, Hop(peer, now))
        hop.heard = now
        hop.carriers.add(carrier)
        return hop

    def leave(self, hop: Hop, carrier: Carrier) -> None:
        """The stream is closed; a connection without any is forgotten."""
        hop.carriers.discard(carrier)
        if not hop.carriers:
            self._hops.pop(hop.peer, None)

    def heard(self, peer: str, now: float) -> None:
        """Something came over ``peer``, which matters where streams are open on it."""
        hop = self._hops.get(peer)
        if hop is not None:
            hop.heard = now

    def silenced(self, now: float) -> Iterator[Presence]:
        """Everybody whose silence may be their gateway's own."""
        for hop in self._hops.values():
            if self._patience < now - hop.heard < self._longest:
                for carrier in hop.carriers:
                    yield from carrier.carried()
