"""What is committed is handed to the relay in memory: claimed by the commit, settled together."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from phoenix_runtime.chassis.data.outbox import OutboxRow
from phoenix_runtime.chassis.delivery import deliveries
from phoenix_runtime.chassis.delivery import relay as relay_module
from phoenix_runtime.chassis.delivery.consumers import OutboxConsumer
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.durations import CLAIM_DURATION
from tests.integration.test_relay import SampleService, sample_service
from tests.integration.test_relay import deliveries as table
from tests.support.builders.calls import call_of
from tests.support.sample.notes import note_units
from tests.support.waiting.until import until

__all__ = ["sample_service"]

CLAIM = CLAIM_DURATION.total_seconds()


@pytest_asyncio.fixture
async def relay(
    sample_service: SampleService, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Relay]:
    """A running relay that reads its table once, at its start, and claims nothing after that."""
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 3600.0)
    for module in (relay_module, deliveries):
        monkeypatch.setattr(module, "FALLBACK_SECONDS", 3600.0)
    relay = sample_service.relay()
    await relay.start()
    yield relay
    await relay.stop()


async def arrived(sample_service: SampleService, *events: str) -> None:
    async def there() -> bool:
        return set(events) <= set(sample_service.ledger.of(sample_service.tenant))

    await until(there)


async def waiting(sample_service: SampleService) -> int:
    """Deliveries of the tenant to the ledger that are not settled."""
    mine = table.c.tenant == sample_service.tenant, table.c.receiver == "ledger"
    count = select(func.count()).select_from(table).where(*mine)
    async with sample_service.database.reading(sample_service.tenant) as connection:
        found: int = await connection.value(count)
    return found


async def settled(sample_service: SampleService) -> None:
    async def none() -> bool:
        return await waiting(sample_service) == 0

    await until(none)


async def test_what_is_handed_over_needs_no_claim_and_is_settled(
    sample_service: SampleService, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    await arrived(sample_service, await sample_service.tell("n1"))

    claims: list[str] = []

    async def claimed(consumer: OutboxConsumer, limit: int) -> tuple[()]:
        claims.append(consumer.receiver)
        return ()

    monkeypatch.setattr(OutboxConsumer, "claim", claimed)
    events = [await sample_service.tell(f"m{number}") for number in range(5)]
    await arrived(sample_service, *events)
    await settled(sample_service)
    # Whose receiver has been handed nothing yet may look now and then.
    assert "ledger" not in claims


async def test_nobody_else_claims_what_is_handed_over(
    sample_service: SampleService, relay: Relay
) -> None:
    sample_service.ledger.answers.clear()
    event = await sample_service.tell("n1")
    await sample_service.ledger.asked.wait()
    other = OutboxConsumer(sample_service.worker, "registry", "ledger")
    assert event not in {row.key for row in await other.claim(500)}
    sample_service.ledger.answers.set()
    await arrived(sample_service, event)
    assert sample_service.ledger.of(sample_service.tenant) == [event]


async def test_what_was_handed_over_to_who_died_is_delivered_by_another(
    sample_service: SampleService, clock: ManualClock
) -> None:
    dead: list[object] = []
    sample_service.outbox.hand_to("ledger", dead.extend)
    event = await sample_service.tell("n1")
    assert len(dead) == 1
    await sample_service.step(0)
    assert sample_service.ledger.of(sample_service.tenant) == []
    clock.advance(CLAIM)
    await sample_service.step(0)
    assert sample_service.ledger.of(sample_service.tenant) == [event]


async def test_one_look_has_whatever_is_due_elsewhere_delivered_and_nothing_else_claimed(
    sample_service: SampleService,
    relay: Relay,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await arrived(sample_service, await sample_service.tell("n1"))
    await settled(sample_service)
    claims: list[str] = []
    claim = OutboxConsumer.claim

    async def counted(consumer: OutboxConsumer, limit: int) -> Sequence[OutboxRow]:
        claims.append(consumer.receiver)
        return await claim(consumer, limit)

    monkeypatch.setattr(OutboxConsumer, "claim", counted)
    units, died = note_units(sample_service.database)
    died.hand_to("ledger", lambda rows: None)  # claimed by its commit, and never delivered
    died.hand_to("bus", lambda rows: None)
    async with units(call_of(tenant=sample_service.tenant)) as unit:
        event = (await unit.tell("n2", 1)).audit_event_id
        directive = await unit.order("p1")
    await relay.look()

    async def ordered() -> bool:
        return sample_service.directive_sender.of(sample_service.tenant) == [directive]

    await until(ordered)
    assert set(claims) == {"directives"}
    assert event not in sample_service.ledger.of(sample_service.tenant)
    clock.advance(CLAIM)
    await relay.look()
    await arrived(sample_service, event)


async def test_what_a_rollback_took_back_is_not_handed_over(
    sample_service: SampleService, relay: Relay
) -> None:
    async def broken_off() -> None:
        async with sample_service.units(call_of(tenant=sample_service.tenant)) as unit:
            await unit.tell("n1", 1)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await broken_off()
    event = await sample_service.tell("n2")
    await arrived(sample_service, event)
    assert sample_service.ledger.of(sample_service.tenant) == [event]


async def test_what_the_receiver_refused_is_tried_again_from_the_table(
    sample_service: SampleService, relay: Relay, clock: ManualClock
) -> None:
    sample_service.ledger.away = True
    event = await sample_service.tell("n1")
    await sample_service.ledger.asked.wait()
    sample_service.ledger.away = False

    async def there() -> bool:
        clock.advance(1)
        return event in sample_service.ledger.of(sample_service.tenant)

    await until(there)
    await settled(sample_service)


async def test_more_than_memory_holds_is_delivered_from_the_table(
    sample_service: SampleService, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MOST_HANDED", 3)
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 0.05)
    relay = sample_service.relay()
    await relay.start()
    sample_service.ledger.answers.clear()
    events = [await sample_service.tell(f"n{number}") for number in range(9)]
    await sample_service.ledger.asked.wait()
    sample_service.ledger.answers.set()

    async def there() -> bool:
        clock.advance(CLAIM)
        await asyncio.sleep(0.01)
        return set(events) <= set(sample_service.ledger.of(sample_service.tenant))

    await until(there)
    await relay.stop()


async def test_what_was_delivered_before_the_end_is_settled_at_the_end(
    sample_service: SampleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "SETTLE_SECONDS", 3600.0)
    relay = sample_service.relay()
    await relay.start()
    await arrived(sample_service, await sample_service.tell("n1"))
    await relay.stop()
    assert await waiting(sample_service) == 0
