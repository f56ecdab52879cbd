"""What was committed is delivered: at least once, to each receiver by itself."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import delete, func, select

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.delivery import relay as relay_module
from phoenix_runtime.chassis.delivery.consumers import FIRST_DELAY, OutboxConsumer
from phoenix_runtime.chassis.delivery.relay import Relay, pruners
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.documents import HashedEvent, event_document
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.json import bytes_hash
from tests.support.builders.calls import call_of, repeatable
from tests.support.fakes.outbox_consumers import (
    RecordingDirectiveSender,
    RecordingLedger,
    RecordingPublisher,
)
from tests.support.sample.notes import NoteUnit, note_units
from tests.support.sample.store.tables import idempotency, metadata, outbox
from tests.support.servers.postgres import DatabaseFor
from tests.support.waiting.until import PATIENCE, until

LEDGER, BUS, DIRECTIVES = range(3)
deliveries = metadata.tables["registry.deliveries"]


@dataclass
class SampleService:
    """A service with its relay, whose loops the test steps by hand."""

    database: Database
    worker: Database
    tenant: str
    units: Units[NoteUnit]
    outbox: Outbox
    ledger: RecordingLedger = field(default_factory=RecordingLedger)
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)
    directive_sender: RecordingDirectiveSender = field(default_factory=RecordingDirectiveSender)

    def relay(self) -> Relay:
        return Relay(
            self.worker,
            self.outbox,
            ledger=self.ledger,
            publisher=self.publisher,
            directive_sender=self.directive_sender,
        )

    async def tell(self, note_id: str, version: int = 1, tenant: str = "") -> str:
        async with self.units(call_of(tenant=tenant or self.tenant)) as unit:
            receipt = await unit.tell(note_id, version)
        return receipt.audit_event_id

    async def claimed_until(self, event: str) -> datetime:
        """Until when nobody else delivers the event to the ledger."""
        rows = select(deliveries.c.claimed_until).where(
            deliveries.c.key == event, deliveries.c.receiver == "ledger"
        )
        async with self.database.reading(self.tenant) as connection:
            found: datetime = await connection.value(rows)
        return found

    async def step(self, consumer: int, relay: Relay | None = None) -> None:
        await (relay or self.relay()).loops[consumer].step_once()


@pytest_asyncio.fixture
async def sample_service(database_for: DatabaseFor, tenant: str) -> SampleService:
    """Nothing that another test left behind waits for its receivers."""
    database = await database_for("sample")
    worker = await database_for("sample", role="worker")
    async with worker.claiming() as connection:
        await connection.run(delete(deliveries))
    units, box = note_units(database)
    return SampleService(database, worker, tenant, units, box)


async def test_an_event_that_commits_late_is_delivered_although_younger_ones_were(
    sample_service: SampleService,
) -> None:
    async with sample_service.units(call_of(tenant=sample_service.tenant)) as late:
        await late.texts()  # what reads is a transaction, and not one statement
        first = (await late.tell("late", 1)).audit_event_id
        await late.flush(lambda: None)
        second = await sample_service.tell("quick")
        await sample_service.step(LEDGER)
        assert sample_service.ledger.of(sample_service.tenant) == [second]
        assert first < second
    await sample_service.step(LEDGER)
    assert sample_service.ledger.of(sample_service.tenant) == [second, first]


async def test_what_was_delivered_is_not_delivered_again(
    sample_service: SampleService, clock: ManualClock
) -> None:
    event = await sample_service.tell("n1")
    for _ in range(3):
        await sample_service.step(LEDGER)
        clock.advance(2 * CLAIM_DURATION.total_seconds())
    assert sample_service.ledger.of(sample_service.tenant) == [event]


async def test_what_another_release_wrote_is_delivered_with_the_content_that_was_hashed(
    sample_service: SampleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(hashed: HashedEvent) -> str:
        """As by releases that delivered messages: not canonical, in the order of the class."""
        return json.dumps(event_document(hashed.event))

    monkeypatch.setattr(HashedEvent, "document", property(written))
    event = await sample_service.tell("n1")
    await sample_service.step(LEDGER)
    (hashed,) = sample_service.ledger.hashed
    assert hashed.event.event_id == event
    assert bytes_hash(hashed.content.encode()) == hashed.event.leaf_hash


async def test_a_ledger_that_is_down_stops_neither_directives_nor_bus_events(
    sample_service: SampleService, clock: ManualClock
) -> None:
    sample_service.ledger.away = True
    async with sample_service.units(call_of(tenant=sample_service.tenant)) as unit:
        event = (await unit.tell("n1", 1)).audit_event_id
        directive = await unit.order("p1")
    with pytest.raises(Exception, match="away"):
        await sample_service.step(LEDGER)
    await sample_service.step(BUS)
    await sample_service.step(DIRECTIVES)
    assert sample_service.directive_sender.of(sample_service.tenant) == [directive]
    assert sample_service.publisher.of(sample_service.tenant) == [event]
    sample_service.ledger.away = False
    clock.advance(1)
    await sample_service.step(LEDGER)
    assert sample_service.ledger.of(sample_service.tenant) == [event]


async def test_what_failed_is_tried_again_when_it_is_due_and_nothing_is_polled_for_else(
    sample_service: SampleService, clock: ManualClock
) -> None:
    loop = sample_service.relay().loops[LEDGER]
    assert await loop.step_once() is False
    sample_service.ledger.away = True
    event = await sample_service.tell("n1")
    with pytest.raises(Exception, match="away"):
        await loop.step_once()
    wait = await loop.step_once()
    assert isinstance(wait, timedelta)
    assert timedelta() < wait <= FIRST_DELAY
    sample_service.ledger.away = False
    clock.advance(wait.total_seconds())
    assert await loop.step_once() is False, "nothing waits any more"
    assert sample_service.ledger.of(sample_service.tenant) == [event]


async def test_a_claim_whose_holder_died_is_taken_over(
    sample_service: SampleService, clock: ManualClock
) -> None:
    event = await sample_service.tell("n1")
    dead = await OutboxConsumer(sample_service.worker, "registry", "ledger").claim(500)
    assert event in {row.key for row in dead}
    clock.advance(CLAIM_DURATION.total_seconds() - 1)
    await sample_service.step(LEDGER)
    assert sample_service.ledger.of(sample_service.tenant) == []
    clock.advance(2)
    await sample_service.step(LEDGER)
    assert sample_service.ledger.of(sample_service.tenant) == [event]


async def test_a_receiver_that_takes_its_time_is_not_handed_the_same_by_another_relay(
    sample_service: SampleService, clock: ManualClock
) -> None:
    event = await sample_service.tell("n1")
    sample_service.ledger.answers.clear()
    delivering = asyncio.create_task(sample_service.step(LEDGER))
    await sample_service.ledger.asked.wait()
    first = await sample_service.claimed_until(event)
    clock.advance(CLAIM_DURATION.total_seconds() - 1)

    async def kept() -> bool:
        return await sample_service.claimed_until(event) > first

    await until(kept)
    clock.advance(2)
    assert event not in {
        row.key
        for row in await OutboxConsumer(sample_service.worker, "registry", "ledger").claim(500)
    }
    sample_service.ledger.answers.set()
    await delivering
    await sample_service.step(LEDGER)
    assert sample_service.ledger.of(sample_service.tenant) == [event]


async def test_an_event_that_the_ledger_refuses_does_not_hold_up_the_others(
    sample_service: SampleService, clock: ManualClock
) -> None:
    events = [await sample_service.tell(f"n{number}") for number in range(7)]
    sample_service.ledger.refused = {events[3]}
    await sample_service.step(LEDGER)
    assert sample_service.ledger.of(sample_service.tenant) == events[:3] + events[4:]
    sample_service.ledger.refused = set()
    clock.advance(1)
    await sample_service.step(LEDGER)
    assert sample_service.ledger.of(sample_service.tenant)[-1] == events[3]


async def test_relays_side_by_side_share_the_work(sample_service: SampleService) -> None:
    events = [await sample_service.tell(f"n{number}") for number in range(20)]
    relays = [sample_service.relay() for _ in range(4)]
    await asyncio.gather(*(sample_service.step(LEDGER, relay) for relay in relays))
    assert sorted(sample_service.ledger.of(sample_service.tenant)) == events


async def test_every_tenant_is_served_and_none_sees_anothers_events(
    sample_service: SampleService,
) -> None:
    other = f"{sample_service.tenant}.b"
    events = await sample_service.tell("n1"), await sample_service.tell("n1", tenant=other)
    await sample_service.step(LEDGER)
    assert not sample_service.ledger.mixed
    assert (sample_service.ledger.of(sample_service.tenant), sample_service.ledger.of(other)) == (
        [events[0]],
        [events[1]],
    )


async def test_a_running_relay_is_woken_by_the_commit(
    sample_service: SampleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POLL_SECONDS", "FALLBACK_SECONDS"):  # so that nothing else wakes it
        monkeypatch.setattr(relay_module, name, 3600.0)
    relay = sample_service.relay()
    await relay.start()
    try:
        await sample_service.step(LEDGER)
        sample_service.ledger.arrived.clear()
        event = await sample_service.tell("n1")
        async with asyncio.timeout(PATIENCE):
            while event not in sample_service.ledger.of(sample_service.tenant):
                await sample_service.ledger.arrived.wait()
                sample_service.ledger.arrived.clear()
    finally:
        await relay.stop()


async def counted(sample_service: SampleService) -> tuple[int, int]:
    query = select(
        select(func.count()).select_from(outbox).scalar_subquery(),
        select(func.count()).select_from(idempotency).scalar_subquery(),
    )
    async with sample_service.database.reading(sample_service.tenant) as connection:
        (found,) = await connection.fetch(query)
    events, answers = found.values()
    return events, answers


async def prune(sample_service: SampleService) -> None:
    for pruner in pruners(sample_service.worker, metadata):
        while await pruner.prune(100) == 100:
            pass


async def test_delivered_events_go_after_an_hour_and_answers_after_a_day(
    sample_service: SampleService, clock: ManualClock
) -> None:
    call = repeatable(call_of(tenant=sample_service.tenant), "r1")
    async with sample_service.units(call) as unit:
        await unit.tell("n1", 1)
        await unit.remember("told")
    await sample_service.step(LEDGER)
    clock.advance(3500)
    await prune(sample_service)
    clock.advance(200)
    await prune(sample_service)
    assert await counted(sample_service) == (1, 1)  # the bus has not taken it yet
    await sample_service.step(BUS)
    await prune(sample_service)
    assert await counted(sample_service) == (0, 1)
    clock.advance(24 * 3600)
    await prune(sample_service)
    assert await counted(sample_service) == (0, 0)
    await sample_service.tell("n1", 2)  # pruning forgets no version
