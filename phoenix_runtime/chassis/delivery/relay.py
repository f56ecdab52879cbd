"""Delivers the outbox to the ledger, to the bus and to the registry, at least once to each.

The three receivers are independent: each has its own deliveries, claims and loop, so a ledger that
is down stops neither bus events nor directives. The order is not guaranteed.
"""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol

import structlog
from prometheus_client import Counter
from sqlalchemy import MetaData

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.idempotency import RETENTION
from phoenix_runtime.chassis.data.outbox import BUS, DIRECTIVES, LEDGER, Outbox
from phoenix_runtime.chassis.delivery.bus_events import BusEvent, bus_event_of
from phoenix_runtime.chassis.delivery.consumers import (
    OutboxConsumer,
    OutboxRow,
    Pruner,
    PruneRule,
)
from phoenix_runtime.chassis.failpoints import DELIVERY_AND_MARK, passing
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import directive_of, event_of
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Unavailable
from phoenix_runtime.core.events import AuditEvent

log = structlog.get_logger()

BATCH: Final = 500
"""Rows of one claim at most, and so of one call to a receiver."""
POLL_SECONDS: Final = 5.0
"""How often the outbox is read although nothing was committed here and no retry is due: another
replica may have died with rows that it had committed."""
LINGER_SECONDS: Final[Mapping[str, float]] = {LEDGER: 0.02, BUS: 0.005, DIRECTIVES: 0.002}
"""How long a delivery waits after a commit for rows of the next ones. A participant waits for a
directive; the ledger loses nothing by a moment and gains larger transactions."""
RECEIVER_TIMEOUT_SECONDS: Final = 15.0
"""How long one call to a receiver may take."""
DELIVERED_RETENTION: Final = timedelta(hours=1)
PRUNE_SECONDS: Final = 60.0
PRUNE_BATCH: Final = 1000

RELAYED: Final = Counter("phoenix_dma_relayed_total", "Rows delivered to a receiver", ["receiver"])
REFUSED: Final = Counter(
    "phoenix_dma_relay_failures_total",
    "Rows that could not be delivered to a receiver",
    ["receiver"],
)


class Ledger(Protocol):
    """The ledger, as the relay uses it; an event that it has already changes nothing."""

    async def append(self, tenant: str, events: Sequence[AuditEvent]) -> None:
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


Deliver = Callable[[Sequence[OutboxRow]], Awaitable[None]]


class Delivery:
    """Delivers to one receiver: claims rows, delivers them by tenant, settles them."""

    def __init__(self, name: str, consumer: OutboxConsumer, deliver: Deliver) -> None:
        self._name = name
        self._consumer = consumer
        self._deliver = deliver
        self._retrying = False
        """Whether rows that could not be delivered wait for another attempt."""

    async def step(self) -> bool | timedelta:
        """Deliver one batch; true where there may be more, a time where a retry is due then.

        Raises the first failure where nothing could be delivered, so that the loop pauses.
        """
        claimed = await self._consumer.claim(BATCH)
        if not claimed:
            return await self._until_retry()
        groups = _by_tenant(claimed)
        async with self._claim_extended(claimed):
            outcomes = await asyncio.gather(
                *(self._deliver_group(group) for group in groups.values())
            )
        delivered = [row for some, _ in outcomes for row in some]
        if delivered:
            passing(DELIVERY_AND_MARK, self._name, *groups)
            await self._consumer.settle(delivered)
            RELAYED.labels(self._name).inc(len(delivered))
        errors = [error for _, error in outcomes if error is not None]
        if errors:
            await self._retry_later(claimed, delivered)
        if errors and not delivered:
            raise errors[0]
        return len(claimed) == BATCH or await self._until_retry()

    async def _until_retry(self) -> bool | timedelta:
        """How long until the next row is due, while some wait for another attempt."""
        if not self._retrying:
            return False
        wait = await self._consumer.until_due()
        self._retrying = wait is not None
        return False if wait is None else min(wait, timedelta(seconds=POLL_SECONDS))

    @contextlib.asynccontextmanager
    async def _claim_extended(self, rows: Sequence[OutboxRow]) -> AsyncIterator[None]:
        """Extend the claim of ``rows`` during the block, so that a claim can be short."""
        extending = asyncio.create_task(self._extend(rows))
        try:
            yield
        finally:
            extending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await extending

    async def _extend(self, rows: Sequence[OutboxRow]) -> None:
        while True:
            await asyncio.sleep(CLAIM_DURATION.total_seconds() / 3)
            # Without the database the claim expires, and a row is delivered twice, without effect.
            with contextlib.suppress(Unavailable):
                await self._consumer.extend(rows)

    async def _deliver_group(
        self, rows: Sequence[OutboxRow]
    ) -> tuple[Sequence[OutboxRow], Exception | None]:
        """Deliver ``rows``; answers those delivered, and the error of the others.

        A batch that the receiver refuses is halved until the refused row is alone, so that it does
        not hold back the others.
        """
        try:
            async with asyncio.timeout(RECEIVER_TIMEOUT_SECONDS):
                await self._deliver(rows)
        except (Unavailable, PolicyEngineUnavailable, OSError) as error:  # also TimeoutError
            return (), error
        except Exception as error:  # whatever it is, the rows are tried again
            if len(rows) > 1:
                middle = len(rows) // 2
                first, why = await self._deliver_group(rows[:middle])
                second, also = await self._deliver_group(rows[middle:])
                return [*first, *second], why or also
            log.exception("delivery_refused", receiver=self._name, key=rows[0].key)
            return (), error
        return rows, None

    async def _retry_later(
        self, claimed: Sequence[OutboxRow], delivered: Sequence[OutboxRow]
    ) -> None:
        done = {(row.tenant, row.key) for row in delivered}
        left = [row for row in claimed if (row.tenant, row.key) not in done]
        self._retrying = True
        await self._consumer.retry_later(left)
        REFUSED.labels(self._name).inc(len(left))


class Relay:
    """Runs the loops that deliver the outbox of one service; every commit wakes them.

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
        self.loops = [self._loop(LEDGER, _to_ledger(ledger)), self._loop(BUS, _to_bus(publisher))]
        if directive_sender is not None:
            self.loops.append(self._loop(DIRECTIVES, _to_directive_sender(directive_sender)))
        for loop in self.loops:
            outbox.on_commit(loop.wake)
        self.loops.append(Loop("prune", PRUNE_SECONDS, self._prune))
        self._pruners = pruners(database, self._metadata)

    async def start(self) -> None:
        """Start delivering and pruning."""
        for loop in self.loops:
            await loop.start()

    async def stop(self) -> None:
        """Stop; claimed rows that were not delivered are delivered by another replica or later."""
        await asyncio.gather(*(loop.stop() for loop in self.loops))

    def _loop(self, receiver: str, deliver: Deliver) -> Loop:
        consumer = OutboxConsumer(self._database, str(self._metadata.schema), receiver)
        step = Delivery(receiver, consumer, deliver).step
        return Loop(f"relay_{receiver}", POLL_SECONDS, step, linger=LINGER_SECONDS[receiver])

    async def _prune(self) -> bool:
        counts = [await pruner.prune(PRUNE_BATCH) for pruner in self._pruners]
        return max(counts, default=0) == PRUNE_BATCH


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


def _by_tenant(rows: Sequence[OutboxRow]) -> Mapping[str, list[OutboxRow]]:
    groups: dict[str, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        groups[row.tenant].append(row)
    return groups


def _to_ledger(ledger: Ledger) -> Deliver:
    async def deliver(rows: Sequence[OutboxRow]) -> None:
        await ledger.append(rows[0].tenant, [event_of(json.loads(row.document)) for row in rows])

    return deliver


def _to_bus(publisher: EventPublisher) -> Deliver:
    async def deliver(rows: Sequence[OutboxRow]) -> None:
        bus_events = (bus_event_of(event_of(json.loads(row.document))) for row in rows)
        await publisher.publish([bus_event for bus_event in bus_events if bus_event is not None])

    return deliver


def _to_directive_sender(directive_sender: DirectiveSender) -> Deliver:
    async def deliver(rows: Sequence[OutboxRow]) -> None:
        directives = [directive_of(json.loads(row.document)) for row in rows]
        await directive_sender.send(rows[0].tenant, directives)

    return deliver
