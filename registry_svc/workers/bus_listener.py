"""Listens to the bus. An event that is lost only costs time: slow rounds find what it was about."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import structlog

from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.chassis.loops import end
from registry_svc.workers.membership_reviews import MembershipReviews
from registry_svc.workers.replica_events import ReplicaEvents

log = structlog.get_logger()


class BusEvents(Protocol):
    """The source of events (`chassis.delivery.bus.BusReader`)."""

    def bus_events(self) -> AsyncIterator[BusEvent]:
        """Every event from now on, without end."""
        ...


class BusListener:
    """Hands every event to `ReplicaEvents` and `MembershipReviews`; runs beside the server."""

    def __init__(
        self, source: BusEvents, replica_events: ReplicaEvents, reviews: MembershipReviews
    ) -> None:
        self._source = source
        self._replica_events = replica_events
        self._reviews = reviews
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to listen."""
        self._listening = asyncio.create_task(self._listen(), name="registry_listener")
        await self._reviews.start()

    async def stop(self) -> None:
        """Stop after the review under way."""
        if self._listening is not None:
            await end(self._listening)
        await self._reviews.stop()

    async def _listen(self) -> None:
        async for bus_event in self._source.bus_events():
            try:
                self._replica_events.handle(bus_event)
            except (ValueError, TypeError) as error:  # its sender is no registry of this release
                log.warning("bus_event_invalid", type=bus_event.type, error=type(error).__name__)
            self._reviews.handle(bus_event)
