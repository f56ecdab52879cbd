"""News makes the background workers quick; that it is complete rests on rows and reconciling."""

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
"""Before the id of an approval whose event it is."""

NAMES: Final = 1_000
"""How many participants, or approvals, of one tenant are remembered until they are handled."""

NAMED: Final = 20
"""Where more participants have room than this, everything is looked at."""

WIDTH: Final = 3
"""How many tenants' news is handled at once."""

LINGER: Final = 0.02
"""Seconds that pass before news is handled: what happens together is told one by one."""

IDLE_SECONDS: Final = 5.0
"""How often is looked where nobody wakes the loops; whoever notes news does."""


class EventPublisher(Protocol):
    """Where hints come from (`chassis.delivery.bus.BusReader`)."""

    def bus_events(self) -> AsyncIterator[BusEvent]:
        """Every hint from now on, without end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The use cases that news is answered with."""

    reconcile: Callable[[Call, Collection[str]], Awaitable[object]]
    """Reads the standings of these participants and applies what they say."""
    hasten: Callable[[Call, Collection[str]], Awaitable[object]]
    """Has what waits for one of these participants looked at now, or everything for none."""
    follow: Callable[[Call, str], Awaitable[object]]
    """Reads an approval."""


@dataclass(slots=True)
class Heard:
    """What was heard of one tenant and is not handled yet: each thing once, however often told."""

    participants: dict[str, None] = field(default_factory=dict)
    approvals: dict[str, None] = field(default_factory=dict)
    room: dict[str, None] = field(default_factory=dict)
    """Who has room."""
    somewhere: bool = False
    """Whether anybody else may have room, too."""

    def add(self, bus_event: BusEvent) -> bool:
        """Note what the hint may be about; whether it is about anything."""
        standing = bus_event.type in STANDING and bool(bus_event.participant)
        decided = bus_event.type in DECIDED and bus_event.aggregate.startswith(APPROVAL)
        if standing:
            _note(self.participants, bus_event.participant)
        if decided:
            _note(self.approvals, bus_event.aggregate.removeprefix(APPROVAL))
        room = bus_event.type in CAPACITY and bool(bus_event.participant)
        if room:
            _note(self.room, bus_event.participant)
        somewhere = bus_event.type in QUEUE
        self.somewhere = self.somewhere or somewhere
        return standing or decided or room or somewhere


def _note(names: dict[str, None], name: str) -> None:
    """One name more, while there is room: the loops find the others by themselves (I14)."""
    if len(names) < NAMES:
        names[name] = None


class Listener:
    """Hears news and runs what it may be about; runs beside the server.

    What comes while a tenant's news is handled is handled together afterwards: of fifty that die
    at once all are asked about in one question, and what waits is woken once. One tenant's news is
    handled by one at a time, and no tenant's keeps another's waiting while anybody is free.
    """

    def __init__(
        self, news: EventPublisher, answers: Answers, *, call: Callable[[str], Call]
    ) -> None:
        self._news = news
        self._answers = answers
        self._call = call
        self._heard: dict[str, Heard] = {}
        self._at_work: set[str] = set()
        self._hearing: asyncio.Task[None] | None = None
        self._loops = tuple(
            Loop("assignment_hints", IDLE_SECONDS, self._step, linger=LINGER) for _ in range(WIDTH)
        )

    async def start(self) -> None:
        """Begin to listen."""
        self._hearing = asyncio.create_task(self._hear(), name="assignment_hearing")
        for loop in self._loops:
            await loop.start()

    async def stop(self) -> None:
        """End; what was not handled is found by the loops."""
        if self._hearing is not None:
            await end(self._hearing)
        for loop in self._loops:
            await loop.stop()

    async def _hear(self) -> None:
        async for bus_event in self._news.bus_events():
            self.note(bus_event)

    def note(self, bus_event: BusEvent) -> None:
        """Have one piece of news handled soon."""
        heard = self._heard.get(bus_event.tenant) or Heard()
        if heard.add(bus_event):
            self._heard[bus_event.tenant] = heard
            self._wake()

    def _wake(self) -> None:
        for loop in self._loops:
            loop.wake()

    async def _step(self) -> bool:
        """Handle all that was heard of the tenant that has waited longest."""
        tenant = next((each for each in self._heard if each not in self._at_work), None)
        if tenant is None:
            return False
        heard = self._heard.pop(tenant)
        self._at_work.add(tenant)
        try:
            await self._handle(self._call(tenant), heard)
        finally:
            self._at_work.discard(tenant)
        return bool(self._heard)

    async def _handle(self, call: Call, heard: Heard) -> None:
        """Everything of one tenant, standings before what they make room for."""
        if heard.participants:
            await self._guarded(self._answers.reconcile(call, tuple(heard.participants)))
        if heard.somewhere or len(heard.room) > NAMED:
            await self._guarded(self._answers.hasten(call, ()))
        elif heard.room:
            await self._guarded(self._answers.hasten(call, tuple(heard.room)))
        for approval_id in heard.approvals:
            await self._guarded(self._answers.follow(call, approval_id))

    async def _guarded(self, answer: Awaitable[object]) -> None:
        """A hint that fails is only slower: its loop comes to the same by itself."""
        try:
            await answer
        except Exception as error:  # what else was heard is not its fault
            log.warning("hint failed", exc_info=error)
