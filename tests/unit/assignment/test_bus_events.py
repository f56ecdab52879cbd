"""Events that arrive while a tenant's events are handled are handled together afterwards."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from assignment_svc.workers.bus_events import (
    MOST_NAMES,
    MOST_PARTICIPANTS,
    BusListener,
    EventHandlers,
)
from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.core.principal import Call
from tests.support.builders.calls import call_of
from tests.support.waiting.until import until


def bus_event(
    kind: str, participant: str = "", tenant: str = "t1", aggregate: str = ""
) -> BusEvent:
    return BusEvent(
        tenant=tenant,
        type=kind,
        event_id="event.1",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        service="registry",
        participant=participant,
        aggregate=aggregate,
    )


class RecordedHandlers:
    """A source of events that tests publish, and the handlers that record what they were given."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[BusEvent] = asyncio.Queue()
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.woken: list[str] = []
        self.capacity: list[tuple[str, ...]] = []
        self.followed: list[str] = []
        self.begun = asyncio.Event()
        self.free = asyncio.Event()
        self.blocked = ""
        self.failing = False

    async def bus_events(self) -> AsyncIterator[BusEvent]:
        while True:
            yield await self._queue.get()

    def publish(self, *bus_events: BusEvent) -> None:
        for one in bus_events:
            self._queue.put_nowait(one)

    async def reconcile(self, call: Call, names: Collection[str]) -> None:
        self.asked.append((call.tenant, tuple(names)))
        if call.tenant == self.blocked:
            self.begun.set()
            await self.free.wait()
        if self.failing:
            raise RuntimeError("the registry is away")

    async def wake_queue(self, call: Call, names: Collection[str]) -> None:
        self.woken.append(call.tenant)
        self.capacity.append(tuple(names))

    async def follow(self, _: Call, approval_id: str) -> None:
        self.followed.append(approval_id)

    async def seen(self, *wanted: str) -> None:
        """Wait until these tenants' queues were woken as often as they are named here."""

        async def woken() -> bool:
            return sorted(self.woken) == sorted(wanted)

        await until(woken)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        handlers = EventHandlers(
            reconcile=self.reconcile, wake_queue=self.wake_queue, follow_approval=self.follow
        )
        listener = BusListener(self, handlers, call=lambda tenant: call_of(tenant=tenant))
        await listener.start()
        try:
            yield
        finally:
            self.free.set()
            await listener.stop()


async def test_events_that_arrive_meanwhile_are_handled_together() -> None:
    bus = RecordedHandlers()
    bus.blocked = "t1"
    crowd = [f"agent.{number:02d}" for number in range(50)]
    async with bus.listening():
        bus.publish(bus_event("FAILED", "agent.first"))
        await bus.begun.wait()
        bus.publish(*(bus_event("FAILED", name) for name in crowd))
        bus.publish(*(bus_event("MIGRATING") for _ in crowd))
        bus.publish(bus_event("ACTIVE", "agent.00"))
        bus.free.set()
        await bus.seen("t1")
    assert bus.asked == [("t1", ("agent.first",)), ("t1", tuple(crowd))]


async def test_one_tenants_events_do_not_wait_for_anothers() -> None:
    bus = RecordedHandlers()
    bus.blocked = "t1"
    async with bus.listening():
        bus.publish(bus_event("ACTIVE", "agent.a"))
        await bus.begun.wait()
        bus.publish(bus_event("ACTIVE", "agent.b"), bus_event("ACTIVE", "agent.b", tenant="t2"))
        await bus.seen("t2")
        assert bus.asked == [("t1", ("agent.a",)), ("t2", ("agent.b",))]


async def test_an_event_whose_handling_fails_keeps_no_other_from_being_handled() -> None:
    bus = RecordedHandlers()
    bus.failing = True
    async with bus.listening():
        bus.publish(bus_event("ACTIVE", "agent.a"))
        bus.publish(bus_event("APPROVAL_DECIDED", aggregate="approval/approval.1"))
        await bus.seen("t1")
        bus.publish(bus_event("TASK_SUCCEEDED", "agent.z"))
        await bus.seen("t1", "t1")
    assert bus.followed == ["approval.1"]


async def test_names_beyond_the_bound_are_left_to_the_loops() -> None:
    bus = RecordedHandlers()
    bus.blocked = "t1"
    async with bus.listening():
        bus.publish(bus_event("FAILED", "agent.first"))
        await bus.begun.wait()
        bus.publish(*(bus_event("FAILED", f"agent.{number}") for number in range(MOST_NAMES + 1)))
        bus.publish(bus_event("TASK_SUCCEEDED", "agent.z"))
        bus.free.set()
        await bus.seen("t1")
    assert len(bus.asked[1][1]) == MOST_NAMES


async def test_the_queue_is_woken_for_those_who_have_capacity_and_for_nobody_else() -> None:
    bus = RecordedHandlers()
    async with bus.listening():
        bus.publish(bus_event("ACTIVE", "agent.a"), bus_event("TASK_SUCCEEDED", "agent.b"))
        bus.publish(bus_event("FAILED", "agent.c"), bus_event("TASK_CANCELLED"))
        await bus.seen("t1")
        bus.publish(bus_event("ACTIVE", "agent.a"), bus_event("HANDOFF_ABORTED", "agent.b"))
        await bus.seen("t1", "t1")
        bus.publish(
            *(bus_event("ACTIVE", f"agent.{number}") for number in range(MOST_PARTICIPANTS + 1))
        )
        await bus.seen("t1", "t1", "t1")
    assert bus.capacity == [("agent.a", "agent.b"), (), ()]
