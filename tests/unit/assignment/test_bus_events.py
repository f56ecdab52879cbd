"""News is handled in heaps: what comes while a tenant's news is handled is handled together."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from assignment_svc.workers.bus_events import NAMED, NAMES, Answers, Listener
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


class Told:
    """News that tests tell, and what it was answered with."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[BusEvent] = asyncio.Queue()
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.hastened: list[str] = []
        self.room: list[tuple[str, ...]] = []
        self.followed: list[str] = []
        self.begun = asyncio.Event()
        self.free = asyncio.Event()
        self.blocked = ""
        self.failing = False

    async def bus_events(self) -> AsyncIterator[BusEvent]:
        while True:
            yield await self._queue.get()

    def tell(self, *bus_events: BusEvent) -> None:
        for one in bus_events:
            self._queue.put_nowait(one)

    async def reconcile(self, call: Call, names: Collection[str]) -> None:
        self.asked.append((call.tenant, tuple(names)))
        if call.tenant == self.blocked:
            self.begun.set()
            await self.free.wait()
        if self.failing:
            raise RuntimeError("the registry is away")

    async def hasten(self, call: Call, names: Collection[str]) -> None:
        self.hastened.append(call.tenant)
        self.room.append(tuple(names))

    async def follow(self, _: Call, approval_id: str) -> None:
        self.followed.append(approval_id)

    async def seen(self, *wanted: str) -> None:
        """Until these tenants' waiting work was hastened as often as they are named here."""

        async def hastened() -> bool:
            return sorted(self.hastened) == sorted(wanted)

        await until(hastened)

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[None]:
        answers = Answers(reconcile=self.reconcile, hasten=self.hasten, follow=self.follow)
        listener = Listener(self, answers, call=lambda tenant: call_of(tenant=tenant))
        await listener.start()
        try:
            yield
        finally:
            self.free.set()
            await listener.stop()


async def test_what_comes_while_news_is_handled_is_handled_together() -> None:
    told = Told()
    told.blocked = "t1"
    crowd = [f"agent.{number:02d}" for number in range(50)]
    async with told.heard():
        told.tell(bus_event("FAILED", "agent.first"))
        await told.begun.wait()
        told.tell(*(bus_event("FAILED", name) for name in crowd))
        told.tell(*(bus_event("MIGRATING") for _ in crowd))
        told.tell(bus_event("ACTIVE", "agent.00"))
        told.free.set()
        await told.seen("t1")
    assert told.asked == [("t1", ("agent.first",)), ("t1", tuple(crowd))]


async def test_one_tenants_news_does_not_wait_for_anothers() -> None:
    told = Told()
    told.blocked = "t1"
    async with told.heard():
        told.tell(bus_event("ACTIVE", "agent.a"))
        await told.begun.wait()
        told.tell(bus_event("ACTIVE", "agent.b"), bus_event("ACTIVE", "agent.b", tenant="t2"))
        await told.seen("t2")
        assert told.asked == [("t1", ("agent.a",)), ("t2", ("agent.b",))]


async def test_news_that_cannot_be_handled_keeps_no_other_from_being_handled() -> None:
    told = Told()
    told.failing = True
    async with told.heard():
        told.tell(bus_event("ACTIVE", "agent.a"))
        told.tell(bus_event("APPROVAL_DECIDED", aggregate="approval/approval.1"))
        await told.seen("t1")
        told.tell(bus_event("TASK_SUCCEEDED", "agent.z"))
        await told.seen("t1", "t1")
    assert told.followed == ["approval.1"]


async def test_of_more_names_than_there_is_room_for_the_loops_find_the_others() -> None:
    told = Told()
    told.blocked = "t1"
    async with told.heard():
        told.tell(bus_event("FAILED", "agent.first"))
        await told.begun.wait()
        told.tell(*(bus_event("FAILED", f"agent.{number}") for number in range(NAMES + 1)))
        told.tell(bus_event("TASK_SUCCEEDED", "agent.z"))
        told.free.set()
        await told.seen("t1")
    assert len(told.asked[1][1]) == NAMES


async def test_what_waits_is_looked_at_for_those_who_have_room_and_for_nobody_else() -> None:
    told = Told()
    async with told.heard():
        told.tell(bus_event("ACTIVE", "agent.a"), bus_event("TASK_SUCCEEDED", "agent.b"))
        told.tell(bus_event("FAILED", "agent.c"), bus_event("TASK_CANCELLED"))
        await told.seen("t1")
        told.tell(bus_event("ACTIVE", "agent.a"), bus_event("HANDOFF_ABORTED", "agent.b"))
        await told.seen("t1", "t1")
        told.tell(*(bus_event("ACTIVE", f"agent.{number}") for number in range(NAMED + 1)))
        await told.seen("t1", "t1", "t1")
    assert told.room == [("agent.a", "agent.b"), (), ()]
