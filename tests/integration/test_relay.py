"""What was committed is delivered: at least once, to each receiver by itself."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.delivery import relay as relay_module
from phoenix_runtime.chassis.delivery.consumers import OutboxConsumer
from phoenix_runtime.chassis.delivery.relay import Relay, pruners
from phoenix_runtime.core.claims import CLAIM_DURATION
from phoenix_runtime.core.clock import ManualClock
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
class Stage:
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
            found: datetime = (await connection.execute(rows)).scalar_one()
        return found

    async def step(self, consumer: int, relay: Relay | None = None) -> None:
        await (relay or self.relay()).loops[consumer].step_once()


@pytest_asyncio.fixture
async def stage(database_for: DatabaseFor, tenant: str) -> Stage:
    database = await database_for("sample")
    units, box = note_units(database)
    return Stage(database, await database_for("sample", role="worker"), tenant, units, box)


async def test_an_event_that_commits_late_is_delivered_although_younger_ones_were(
    stage: Stage,
) -> None:
    async with stage.units(call_of(tenant=stage.tenant)) as late:
        first = (await late.tell("late", 1)).audit_event_id
        await late.flush()
        second = await stage.tell("quick")
        await stage.step(LEDGER)
        assert stage.ledger.of(stage.tenant) == [second]
        assert first < second
    await stage.step(LEDGER)
    assert stage.ledger.of(stage.tenant) == [second, first]


async def test_what_was_delivered_is_not_delivered_again(stage: Stage, clock: ManualClock) -> None:
    event = await stage.tell("n1")
    for _ in range(3):
        await stage.step(LEDGER)
        clock.advance(2 * CLAIM_DURATION.total_seconds())
    assert stage.ledger.of(stage.tenant) == [event]


async def test_a_ledger_that_is_down_stops_neither_directives_nor_news(
    stage: Stage, clock: ManualClock
) -> None:
    stage.ledger.away = True
    async with stage.units(call_of(tenant=stage.tenant)) as unit:
        event = (await unit.tell("n1", 1)).audit_event_id
        directive = await unit.order("p1")
    with pytest.raises(Exception, match="away"):
        await stage.step(LEDGER)
    await stage.step(BUS)
    await stage.step(DIRECTIVES)
    assert stage.directive_sender.of(stage.tenant) == [directive]
    assert stage.publisher.of(stage.tenant) == [event]
    stage.ledger.away = False
    clock.advance(1)
    await stage.step(LEDGER)
    assert stage.ledger.of(stage.tenant) == [event]


async def test_a_claim_whose_holder_died_is_taken_over(stage: Stage, clock: ManualClock) -> None:
    event = await stage.tell("n1")
    dead = await OutboxConsumer(stage.worker, "registry", "ledger").claim(500)
    assert event in {row.key for row in dead}
    clock.advance(CLAIM_DURATION.total_seconds() - 1)
    await stage.step(LEDGER)
    assert stage.ledger.of(stage.tenant) == []
    clock.advance(2)
    await stage.step(LEDGER)
    assert stage.ledger.of(stage.tenant) == [event]


async def test_a_receiver_that_takes_its_time_is_not_handed_the_same_by_another_relay(
    stage: Stage, clock: ManualClock
) -> None:
    event = await stage.tell("n1")
    stage.ledger.answers.clear()
    delivering = asyncio.create_task(stage.step(LEDGER))
    await stage.ledger.asked.wait()
    first = await stage.claimed_until(event)
    clock.advance(CLAIM_DURATION.total_seconds() - 1)

    async def kept() -> bool:
        return await stage.claimed_until(event) > first

    await until(kept)
    clock.advance(2)
    assert event not in {
        row.key for row in await OutboxConsumer(stage.worker, "registry", "ledger").claim(500)
    }
    stage.ledger.answers.set()
    await delivering
    await stage.step(LEDGER)
    assert stage.ledger.of(stage.tenant) == [event]


async def test_an_event_that_the_ledger_refuses_does_not_hold_up_the_others(
    stage: Stage, clock: ManualClock
) -> None:
    events = [await stage.tell(f"n{number}") for number in range(7)]
    stage.ledger.refused = {events[3]}
    await stage.step(LEDGER)
    assert stage.ledger.of(stage.tenant) == events[:3] + events[4:]
    stage.ledger.refused = set()
    clock.advance(1)
    await stage.step(LEDGER)
    assert stage.ledger.of(stage.tenant)[-1] == events[3]


async def test_relays_side_by_side_share_the_work(stage: Stage) -> None:
    events = [await stage.tell(f"n{number}") for number in range(20)]
    relays = [stage.relay() for _ in range(4)]
    await asyncio.gather(*(stage.step(LEDGER, relay) for relay in relays))
    assert sorted(stage.ledger.of(stage.tenant)) == events


async def test_every_tenant_is_served_and_none_sees_anothers_events(stage: Stage) -> None:
    other = f"{stage.tenant}.b"
    events = await stage.tell("n1"), await stage.tell("n1", tenant=other)
    await stage.step(LEDGER)
    assert not stage.ledger.mixed
    assert (stage.ledger.of(stage.tenant), stage.ledger.of(other)) == ([events[0]], [events[1]])


async def test_a_running_relay_is_woken_by_the_commit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 3600.0)  # so that nothing else wakes it
    relay = stage.relay()
    await relay.start()
    try:
        await stage.step(LEDGER)
        stage.ledger.arrived.clear()
        event = await stage.tell("n1")
        async with asyncio.timeout(PATIENCE):
            while event not in stage.ledger.of(stage.tenant):
                await stage.ledger.arrived.wait()
                stage.ledger.arrived.clear()
    finally:
        await relay.stop()


async def counted(stage: Stage) -> tuple[int, int]:
    query = select(
        select(func.count()).select_from(outbox).scalar_subquery(),
        select(func.count()).select_from(idempotency).scalar_subquery(),
    )
    async with stage.database.reading(stage.tenant) as connection:
        events, answers = (await connection.execute(query)).one()
    return events, answers


async def prune(stage: Stage) -> None:
    for pruner in pruners(stage.worker, metadata):
        while await pruner.prune(100) == 100:
            pass


async def test_delivered_events_go_after_an_hour_and_answers_after_a_day(
    stage: Stage, clock: ManualClock
) -> None:
    call = repeatable(call_of(tenant=stage.tenant), "r1")
    async with stage.units(call) as unit:
        await unit.tell("n1", 1)
        await unit.remember("told")
    await stage.step(LEDGER)
    clock.advance(3500)
    await prune(stage)
    clock.advance(200)
    await prune(stage)
    assert await counted(stage) == (1, 1)  # the bus has not taken it yet
    await stage.step(BUS)
    await prune(stage)
    assert await counted(stage) == (0, 1)
    clock.advance(24 * 3600)
    await prune(stage)
    assert await counted(stage) == (0, 0)
    await stage.tell("n1", 2)  # pruning forgets no version
