"""Delivers the outbox to the ledger, to the bus and to the registry, at least once to each.

The three receivers are independent: each has its own deliveries, claims and loop, so a ledger that
is down stops neither bus events nor directives. The order is not guaranteed.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

from sqlalchemy import MetaData

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.idempotency import RETENTION
from phoenix_runtime.chassis.data.outbox import BUS, DIRECTIVES, LEDGER, Outbox, OutboxRow
from phoenix_runtime.chassis.delivery.bus_events import BusEvent, bus_event_of
from phoenix_runtime.chassis.delivery.consumers import (
    OutboxConsumer,
    Pruner,
    PruneRule,
    WaitingRows,
)
from phoenix_runtime.chassis.delivery.deliveries import FALLBACK_SECONDS, Deliver, Delivery
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import HashedEvent, directive_of, event_of, with_content
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import parsed

LINGER_SECONDS: Final[Mapping[str, float]] = {LEDGER: 0.05, BUS: 0.005, DIRECTIVES: 0.002}
"""How long a delivery waits after a commit for rows of the next ones. A participant waits for a
directive; the ledger loses nothing by a moment, and an append and its commit cost the same for one
event as for ten. Whoever reads the lineage of a task that it has just been given waits as long."""
POLL_SECONDS: Final = 5.0
"""How often the outbox is looked at, for all receivers at once, although nothing was left behind
here: another replica may have died with rows that it had committed."""
DELIVERED_RETENTION: Final = timedelta(hours=1)
PRUNE_SECONDS: Final = 60.0
PRUNE_BATCH: Final = 1000


class Ledger(Protocol):
    """The ledger, as the relay uses it; an event that it has already changes nothing."""

    async def append(self, tenant: str, events: Sequence[HashedEvent]) -> None:
        """Append ``events``, all of ``tenant``."""
        ...


class EventPublisher(Protocol):
    """Publishes bus events (`chassis.delivery.bus.Bus`)."""

    async def publish(self, bus_events: Sequence[BusEvent]) -> None:
        """Publish ``bus_events``."""
        ...


class DirectiveSender(Protocol):
    """Sends directives to the registry; one that it has already changes nothing."""

    async def send(self, tenant: str, directives: Sequence[Directive]) -> None:
        """Send ``directives``, all of ``tenant``."""
        ...


class Relay:
    """Runs the loops that deliver the outbox of one service; what is committed wakes them.

    What was committed elsewhere is found by one statement, which asks for all receivers at once
    when their next row is due.

    ``database`` is that of the worker role. ``directive_sender`` is given exactly where the service
    has a directive outbox (ValueError otherwise). `Service.running` starts and stops it.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        *,
        ledger: Ledger,
        publisher: EventPublisher,
        directive_sender: DirectiveSender | None = None,
    ) -> None:
        self._database = database
        self._metadata = outbox.metadata
        if (f"{self._metadata.schema}.directive_outbox" in self._metadata.tables) != bool(
            directive_sender
        ):
            raise ValueError(
                "give a directive sender exactly where the service has a directive outbox"
            )
        self._outbox = outbox
        delivers = {LEDGER: _to_ledger(ledger), BUS: _to_bus(publisher)}
        if directive_sender is not None:
            delivers[DIRECTIVES] = _to_directive_sender(directive_sender)
        self._deliveries = [self._delivery(name, deliver) for name, deliver in delivers.items()]
        self.loops = [_loop(delivery) for delivery in self._deliveries]
        self.loops.append(Loop("prune", PRUNE_SECONDS, self._prune))
        self.loops.append(Loop("relay_look", POLL_SECONDS, self.look))
        self._waiting = WaitingRows(database, str(self._metadata.schema))
        self._pruners = pruners(database, self._metadata)

    async def start(self) -> None:
        """Start delivering and pruning; what is committed from now on is handed over directly."""
        for delivery, loop in zip(self._deliveries, self.loops, strict=False):
            self._outbox.hand_to(delivery.receiver, partial(_hand_over, delivery, loop))
        for loop in self.loops:
            await loop.start()

    async def stop(self) -> None:
        """Stop; rows that were not delivered are delivered by another replica or later."""
        for delivery in self._deliveries:
            self._outbox.stop_handing_to(delivery.receiver)
        await asyncio.gather(*(loop.stop() for loop in self.loops))
        await asyncio.gather(*(delivery.close() for delivery in self._deliveries))

    def _delivery(self, receiver: str, deliver: Deliver) -> Delivery:
        schema = str(self._metadata.schema)
        return Delivery(receiver, OutboxConsumer(self._database, schema, receiver), deliver)

    async def look(self) -> None:
        """Have each delivery read the table for which a row is due in it."""
        receivers = [delivery.receiver for delivery in self._deliveries]
        until_due = await self._waiting.until_due(receivers)
        for delivery, loop in zip(self._deliveries, self.loops, strict=False):
            if until_due.get(delivery.receiver, timedelta.max) <= timedelta():
                delivery.look()
                loop.wake()

    async def _prune(self) -> bool:
        counts = [await pruner.prune(PRUNE_BATCH) for pruner in self._pruners]
        return max(counts, default=0) == PRUNE_BATCH


def _loop(delivery: Delivery) -> Loop:
    name = delivery.receiver
    return Loop(f"relay_{name}", FALLBACK_SECONDS, delivery.step, linger=LINGER_SECONDS[name])


def _hand_over(delivery: Delivery, loop: Loop, rows: Sequence[OutboxRow]) -> None:
    delivery.take(rows)
    loop.wake()


def pruners(database: Database, metadata: MetaData) -> list[Pruner]:
    """The pruners of delivered rows (after an hour) and of request ids (after a day)."""
    schema = str(metadata.schema)
    kinds = (
        ("outbox", "tenant, event_id", _delivered(schema, "event_id"), DELIVERED_RETENTION),
        (
            "directive_outbox",
            "tenant, directive_id",
            _delivered(schema, "directive_id"),
            DELIVERED_RETENTION,
        ),
        ("idempotency", "tenant, principal, rpc, request_id", "created_at < $1", RETENTION),
    )
    return [
        Pruner(
            database,
            PruneRule(table=f"{schema}.{table}", keys=keys, condition=condition, age=age),
        )
        for table, keys, condition, age in kinds
        if f"{schema}.{table}" in metadata.tables
    ]


def _delivered(schema: str, key: str) -> str:
    """The condition of old rows without an open delivery."""
    return (
        f"created_at < $1 AND NOT EXISTS (SELECT FROM {schema}.deliveries AS d"
        f" WHERE d.tenant = row.tenant AND d.key = row.{key})"
    )


def _hashed(row: OutboxRow) -> HashedEvent:
    """The event of a row, read from its document where another process committed it.

    Its content is made again then: another release may have written the document otherwise.
    """
    return row.event or with_content(event_of(parsed(row.document)))


def _event(row: OutboxRow) -> AuditEvent:
    """The same without its content."""
    return row.event.event if row.event else event_of(parsed(row.document))


def _to_ledger(ledger: Ledger) -> Deliver:
    async def deliver(rows: Sequence[OutboxRow]) -> None:
        await ledger.append(rows[0].tenant, [_hashed(row) for row in rows])

    return deliver


def _to_bus(publisher: EventPublisher) -> Deliver:
    async def deliver(rows: Sequence[OutboxRow]) -> None:
        bus_events = (bus_event_of(_event(row)) for row in rows)
        await publisher.publish([bus_event for bus_event in bus_events if bus_event is not None])

    return deliver


def _to_directive_sender(directive_sender: DirectiveSender) -> Deliver:
    async def deliver(rows: Sequence[OutboxRow]) -> None:
        directives = [directive_of(json.loads(row.document)) for row in rows]
        await directive_sender.send(rows[0].tenant, directives)

    return deliver
