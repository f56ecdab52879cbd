"""Receivers of the relay that write down what they were handed."""

import asyncio
from collections.abc import Sequence

from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import HashedEvent
from phoenix_runtime.core.errors import FieldInvalid, Unavailable, Violation
from phoenix_runtime.core.events import AuditEvent


class RecordingLedger:
    """Notes events; ``away`` refuses all, ``refused`` are events that it will not take.

    ``mixed`` tells that a batch held another tenant's events. It takes its time until ``answers``.
    """

    def __init__(self) -> None:
        self.hashed: list[HashedEvent] = []
        self.away = False
        self.mixed = False
        self.refused: set[str] = set()
        self.arrived = asyncio.Event()
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()

    async def append(self, tenant: str, events: Sequence[HashedEvent]) -> None:
        self.asked.set()
        await self.answers.wait()
        if self.away:
            raise Unavailable("The ledger is away")
        if any(hashed.event.event_id in self.refused for hashed in events):
            raise FieldInvalid([Violation("events", "one is none")])
        self.mixed |= {hashed.event.tenant for hashed in events} != {tenant}
        self.hashed += events
        self.arrived.set()

    @property
    def events(self) -> list[AuditEvent]:
        return [hashed.event for hashed in self.hashed]

    def of(self, tenant: str) -> list[str]:
        return [event.event_id for event in self.events if event.tenant == tenant]


class RecordingPublisher:
    """Notes bus events."""

    def __init__(self) -> None:
        self.bus_events: list[BusEvent] = []

    async def publish(self, bus_events: Sequence[BusEvent]) -> None:
        self.bus_events += bus_events

    def of(self, tenant: str) -> list[str]:
        return [bus_event.event_id for bus_event in self.bus_events if bus_event.tenant == tenant]


class RecordingDirectiveSender:
    """Notes directives."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Directive]] = []

    async def send(self, tenant: str, directives: Sequence[Directive]) -> None:
        self.sent += [(tenant, directive) for directive in directives]

    def of(self, tenant: str) -> list[Directive]:
        return [directive for sent_to, directive in self.sent if sent_to == tenant]
