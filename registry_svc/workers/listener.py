"""News that the registry acts on; that nobody is forgotten rests on slow rounds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Protocol

import structlog

from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.chassis.loops import Loop, end
from phoenix_runtime.core.clock import Clock
from registry_svc.domain.ports import DIRECTIVES_WAITING, HEARTBEAT
from registry_svc.domain.presence import Key
from registry_svc.domain.vitals import HealthState, Vitals
from registry_svc.usecases.abreast import KeepAbreast
from registry_svc.usecases.review_members import ReviewMembers

ROUND_SECONDS: Final = 3600.0
"""How often everybody is judged again without news: trust changes without any."""
FIRST_SECONDS: Final = 60.0
"""After a start the others come up first; then who was changed meanwhile is judged."""
CERTIFIED: Final = frozenset({"CERTIFICATION_GRANTED", "CERTIFICATION_REVOKED"})
POLICY: Final = "POLICY_ACTIVATED"
REGISTERED: Final = "PARTICIPANT_REGISTERED"

log = structlog.get_logger()


class Neighbours:
    """What news of the other replicas is about; ``replica`` is this one, whose own is not news."""

    def __init__(self, abreast: KeepAbreast, clock: Clock, *, replica: str) -> None:
        self._abreast = abreast
        self._clock = clock
        self._replica = replica

    def hear(self, bus_event: BusEvent) -> None:
        """Tell the use case; nothing here waits. Raises ValueError or TypeError for nonsense."""
        key = Key(bus_event.tenant, bus_event.participant)
        if bus_event.facts.get("replica") == self._replica:
            return
        if bus_event.type == HEARTBEAT:
            self._abreast.heard(key, self._vitals(bus_event))
        elif bus_event.type == DIRECTIVES_WAITING:
            self._abreast.given(key)
        elif bus_event.audit_type == REGISTERED:
            self._abreast.registered(key)
        elif bus_event.aggregate == f"participant/{bus_event.participant}" and bus_event.state:
            self._abreast.changed(key, bus_event.state)

    def _vitals(self, bus_event: BusEvent) -> Vitals:
        ago = (self._clock.now() - bus_event.time).total_seconds()
        return Vitals(
            last_beat=self._clock.monotonic() - max(0.0, ago),
            load=_number(bus_event.facts.get("load")),
            latency=_number(bus_event.facts.get("latency")),
            state=HealthState(bus_event.state),
        )


def _number(said: Any) -> float | None:
    return None if said is None else float(said)


class EventPublisher(Protocol):
    """Where hints come from (`chassis.delivery.bus.BusReader`)."""

    def bus_events(self) -> AsyncIterator[BusEvent]:
        """Every hint from now on, without end."""
        ...


class Listener:
    """Hears news, and reviews whom it is about; runs beside the server."""

    def __init__(
        self,
        news: EventPublisher,
        neighbours: "Neighbours",
        review: ReviewMembers,
        tenants: Callable[[], Awaitable[list[str]]],
        clock: Clock,
    ) -> None:
        self._news = news
        self._neighbours = neighbours
        self._review = review
        self._tenants = tenants
        self._clock = clock
        self._next_round = clock.monotonic() + FIRST_SECONDS
        self._due: dict[tuple[str, str], None] = {}
        self._reviewing = Loop("registry_review", ROUND_SECONDS, self._step, linger=0.05)
        self._round = Loop("registry_review_round", FIRST_SECONDS, self._everybody)
        self._hearing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._hearing = asyncio.create_task(self._hear(), name="registry_listener")
        await self._reviewing.start()
        await self._round.start()

    async def stop(self) -> None:
        """End after the review under way."""
        if self._hearing is not None:
            await end(self._hearing)
        await self._round.stop()
        await self._reviewing.stop()

    async def _hear(self) -> None:
        async for bus_event in self._news.bus_events():
            try:
                self._neighbours.hear(bus_event)
            except (ValueError, TypeError) as error:  # who wrote it is no registry of today
                log.warning("foreign news", bus_event=bus_event.type, error=type(error).__name__)
            if bus_event.audit_type == POLICY:
                self._note(bus_event.tenant, "")
            elif bus_event.audit_type in CERTIFIED and bus_event.participant:
                self._note(bus_event.tenant, bus_event.participant)

    def _note(self, tenant: str, participant_id: str) -> None:
        self._due[(tenant, participant_id)] = None
        self._reviewing.wake()

    async def _step(self) -> bool:
        """Review whoever came first; who could not be judged is tried again."""
        if not self._due:
            return False
        tenant, participant_id = key = next(iter(self._due))
        # Out first: news that comes while it is reviewed is about something newer.
        del self._due[key]
        try:
            await self._review(tenant, participant_id)
        except BaseException:
            self._note(tenant, participant_id)
            raise
        return bool(self._due)

    async def _everybody(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_round:
            return
        for tenant in await self._tenants():
            self._note(tenant, "")
        self._next_round = now + ROUND_SECONDS
