"""Runs use cases as soon as bus events ask for them.

An event that is lost only costs time: the rows' own timers and the reconcile loop come to the same.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.chassis.loops import Loop, end
from phoenix_runtime.core.event_catalogue import Wakes, waking
from phoenix_runtime.core.principal import Call

log = structlog.get_logger()

STANDING: Final = waking(Wakes.STANDING)
CAPACITY: Final = waking(Wakes.CAPACITY)
QUEUE: Final = waking(Wakes.QUEUE)
DECIDED: Final = waking(Wakes.APPROVAL)

APPROVAL: Final = "approval/"
"""What the aggregate of an approval's event begins with."""

MOST_NAMES: Final = 1_000
"""How many participants, or approvals, of one tenant are kept until they are handled (I14)."""

MOST_PARTICIPANTS: Final = 20
"""Where more participants than this may have capacity, the whole queue is woken."""

WIDTH: Final = 3
"""How many tenants' events are handled at once."""

LINGER_SECONDS: Final = 0.02
"""How long events are collected before they are handled: many arrive one by one."""

IDLE_SECONDS: Final = 5.0
"""Seconds between two looks of a loop that no event wakes."""


class EventSource(Protocol):
    """Where bus events come from (`chassis.delivery.bus.BusReader`)."""

    def bus_events(self) -> AsyncIterator[BusEvent]:
        """Every event from now on, without end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHandlers:
    """The use cases that events ask for."""

    reconcile: Callable[[Call, Collection[str]], Awaitable[object]]
    """Reads the standings of these participants and applies them."""
    wake_queue: Callable[[Call, Collection[str]], Awaitable[object]]
    """Has what waits for one of these participants tried now, or everything for none."""
    follow_approval: Callable[[Call, str], Awaitable[object]]
    """Reads an approval and acts on it."""


@dataclass(slots=True)
class PendingEvents:
    """What the events of one tenant ask for and has not been done: each name once, in order."""

    standings: dict[str, None] = field(default_factory=dict)
    """Participants whose standing may have changed."""
    approvals: dict[str, None] = field(default_factory=dict)
    """Approvals that may be decided."""
    capacity: dict[str, None] = field(default_factory=dict)
    """Participants that may have a free seat."""
    queue: bool = False
    """Whether a participant that is not named may have one."""

    def add(self, bus_event: BusEvent) -> bool:
        """Add what the event asks for; False where that is nothing."""
        standing = bus_event.type in STANDING and bool(bus_event.participant)
        capacity = bus_event.type in CAPACITY and bool(bus_event.participant)
        decided = bus_event.type in DECIDED and bus_event.aggregate.startswith(APPROVAL)
        queue = bus_event.type in QUEUE
        if standing:
            _add(self.standings, bus_event.participant)
        if capacity:
            _add(self.capacity, bus_event.participant)
        if decided:
            _add(self.approvals, bus_event.aggregate.removeprefix(APPROVAL))
        self.queue = self.queue or queue
        return standing or capacity or decided or queue


def _add(names: dict[str, None], name: str) -> None:
    """Add a name while there are not too many; the loops find the others by themselves."""
    if len(names) < MOST_NAMES:
        names[name] = None


class BusListener:
    """Reads bus events and runs what they ask for; runs beside the server.

    Events that arrive while a tenant's are handled are handled together afterwards: the standings
    of fifty participants that fail at once are read in one call, and the queue is woken once. One
    loop handles a tenant's events at a time, and no tenant waits for another while a loop is idle.
    """

    def __init__(
        self, source: EventSource, handlers: EventHandlers, *, call: Callable[[str], Call]
    ) -> None:
        self._source = source
        self._handlers = handlers
        self._call = call
        self._pending: dict[str, PendingEvents] = {}
        self._being_handled: set[str] = set()
        self._reading: asyncio.Task[None] | None = None
        self._loops = tuple(
            Loop("assignment_bus_events", IDLE_SECONDS, self._step, linger=LINGER_SECONDS)
            for _ in range(WIDTH)
        )

    async def start(self) -> None:
        """Start to read and to handle."""
        self._reading = asyncio.create_task(self._read(), name="assignment_bus_reading")
        for loop in self._loops:
            await loop.start()

    async def stop(self) -> None:
        """Stop; the worker loops find what was not handled."""
        if self._reading is not None:
            await end(self._reading)
        for loop in self._loops:
            await loop.stop()

    async def _read(self) -> None:
        async for bus_event in self._source.bus_events():
            self.add(bus_event)

    def add(self, bus_event: BusEvent) -> None:
        """Have one event handled soon."""
        pending = self._pending.get(bus_event.tenant) or PendingEvents()
        if pending.add(bus_event):
            self._pending[bus_event.tenant] = pending
            for loop in self._loops:
                loop.wake()

    async def _step(self) -> bool:
        """Handle the events of the tenant that has waited longest; True where others wait."""
        waiting = (tenant for tenant in self._pending if tenant not in self._being_handled)
        tenant = next(waiting, None)
        if tenant is None:
            return False
        pending = self._pending.pop(tenant)
        self._being_handled.add(tenant)
        try:
            await self._handle(self._call(tenant), pending)
        finally:
            self._being_handled.discard(tenant)
        return bool(self._pending)

    async def _handle(self, call: Call, pending: PendingEvents) -> None:
        """Apply standings first: they change who has capacity for what waits."""
        if pending.standings:
            await self._guarded(self._handlers.reconcile(call, tuple(pending.standings)))
        if pending.queue or len(pending.capacity) > MOST_PARTICIPANTS:
            await self._guarded(self._handlers.wake_queue(call, ()))
        elif pending.capacity:
            await self._guarded(self._handlers.wake_queue(call, tuple(pending.capacity)))
        for approval_id in pending.approvals:
            await self._guarded(self._handlers.follow_approval(call, approval_id))

    async def _guarded(self, handling: Awaitable[object]) -> None:
        """Log a failure: the loop of the row in question comes to the same by itself."""
        try:
            await handling
        except Exception as error:  # the tenant's other events are handled all the same
            log.warning("bus_event_failed", exc_info=error)
