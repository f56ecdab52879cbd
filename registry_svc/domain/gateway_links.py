"""The connections of gateways, and whether each gateway is alive.

A participant that hangs falls silent alone, while its gateway stays alive. A gateway that hangs
holds up the heartbeats of everybody behind it. None of them is to blame, so their leases are
extended for a while. That is always safe: each participant gives up its own lease first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from registry_svc.domain.session import Session


class LinkedStream(Protocol):
    """An open stream behind a gateway."""

    def sessions(self) -> Iterable[Session]:
        """The sessions that are attached to it."""
        ...


@dataclass(eq=False, slots=True)
class GatewayLink:
    """One connection of a gateway; ``last_activity`` is when anything last came over it."""

    peer: str
    last_activity: float
    """Monotonic, in seconds."""
    streams: set[LinkedStream] = field(default_factory=set)


class GatewayLinks:
    """The connections of gateways with open streams; times are monotonic seconds.

    A gateway counts as hanging after ``silent_after`` seconds of silence, and excuses those behind
    it until it has been silent for ``excused_for`` seconds.
    """

    def __init__(self, *, silent_after: float, excused_for: float) -> None:
        self._silent_after = silent_after
        self._excused_for = excused_for
        self._links: dict[str, GatewayLink] = {}

    def open(self, peer: str, stream: LinkedStream, now: float) -> GatewayLink:
        """Add a stream on the connection ``peer``."""
        link = self._links.setdefault(peer, GatewayLink(peer, now))
        link.last_activity = now
        link.streams.add(stream)
        return link

    def close(self, link: GatewayLink, stream: LinkedStream) -> None:
        """Remove a closed stream; a connection without streams is forgotten."""
        link.streams.discard(stream)
        if not link.streams:
            self._links.pop(link.peer, None)

    def record_activity(self, peer: str, now: float) -> None:
        """Note that something came over ``peer``; ignored where no stream is open on it."""
        link = self._links.get(peer)
        if link is not None:
            link.last_activity = now

    def behind_silent_gateways(self, now: float) -> Iterator[Session]:
        """The sessions whose silence may be that of their gateway."""
        for link in self._links.values():
            if self._silent_after < now - link.last_activity < self._excused_for:
                for stream in link.streams:
                    yield from stream.sessions()
