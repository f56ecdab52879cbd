"""Delivers what the outbox holds: to the ledger, to the bus, to participants; each at least once.

The three receivers are independent: each has its own marks, claims and loop, so that a ledger that
is down stops neither news nor directives. Order is not promised.
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
from phoenix_runtime.chassis.data.idempotency import KEPT
from phoenix_runtime.chassis.data.outbox import BUS, DIRECTIVES, LEDGER, Outbox
from phoenix_runtime.chassis.delivery.bus_events import BusEvent, bus_event_of
from phoenix_runtime.chassis.delivery.consumers import (
    OutboxConsumer,
    Pruner,
    PruneRule,
    Waiting,
)
from phoenix_runtime.chassis.failpoints import DELIVERY_AND_MARK, passing
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.claims import CLAIM_DURATION
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import directive_of, event_of
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Unavailable
from phoenix_runtime.core.events import AuditEvent

log = structlog.get_logger()

BATCH: Final = 500
"""Rows of one claim; no receiver is handed more at once."""
POLL_SECONDS: Final = 1.0
"""How long a row may wait that nobody was woken for: another replica's, or one put back."""
LINGER_SECONDS: Final[Mapping[str, float]] = {LEDGER: 0.02, BUS: 0.005, DIRECTIVES: 0.002}
"""How long what was just written waits for what is written next. A directive has somebody waiting
for it; the ledger's record is complete a moment later as well, and in much fewer transactions."""
PATIENCE_SECONDS: Final = 15.0
"""How long a receiver may take."""
DELIVERED_KEPT: Final = timedelta(hours=1)
PRUNE_SECONDS: Final = 60.0
PRUNE_BATCH: Final = 1000

RELAYED: Final = Counter("phoenix_dma_relayed_total", "Rows that a receiver took", ["receiver"])
REFUSED: Final = Counter(
    "phoenix_dma_relay_failures_total", "Rows that a receiver did not take", ["receiver"]
)


class Ledger(Protocol):
    """Where audit events are kept for good; it knows what it has already."""

    async def append(self, tenant: str, events: Sequence[AuditEvent]) -> None:
        """Keep ``events``, all of ``tenant``."""
        ...


class EventPublisher(Protocol):
    """Where news is published (`chassis.delivery.bus.Bus`)."""

    async def publish(self, bus_events: Sequence[BusEvent]) -> None:
        """Publish ``hints``."""
        ...


class DirectiveSender(Protocol):
    """Who brings directives to participants; it knows what it has already."""

    async def send(self, tenant: str, directives: Sequence[Directive]) -> None:
        """Take over ``directives``, all of ``tenant``."""
        ...


Deliver = Callable[[Sequence[Waiting]], Awaitable[None]]


class Delivery:
    """One receiver: claims rows, hands them over by tenant, marks what was taken."""

    def __init__(self, name: str, lane: OutboxConsumer, deliver: Deliver) -> None:
        self._name = name
        self._lane = lane
        self._deliver = deliver

    async def step(self) -> bool:
        """Deliver one batch; true where there may be more.

        Raises the first failure where nothing could be delivered, so that the loop pauses.
        """
        claimed = await self._lane.claim(BATCH)
        if not claimed:
            return False
        groups = _by_tenant(claimed)
        async with self._kept(claimed):
            outcomes = await asyncio.gather(*(self._hand_over(group) for group in groups.values()))
        taken = [row for some, _ in outcomes for row in some]
        if taken:
            passing(DELIVERY_AND_MARK, self._name, *groups)
            await self._lane.taken(taken)
            RELAYED.labels(self._name).inc(len(taken))
        errors = [error for _, error in outcomes if error is not None]
        if errors:
            await self._give_back(claimed, taken)
        if errors and not taken:
            raise errors[0]
        return len(claimed) == BATCH

    @contextlib.asynccontextmanager
    async def _kept(self, rows: Sequence[Waiting]) -> AsyncIterator[None]:
        """Ask for more time while ``rows`` are handed over, so that a claim can be short."""
        keeping = asyncio.create_task(self._keep(rows))
        try:
            yield
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping

    async def _keep(self, rows: Sequence[Waiting]) -> None:
        while True:
            await asyncio.sleep(CLAIM_DURATION.total_seconds() / 3)
            # Without the database the claim runs out: a row is handed over twice, and taken once.
            with contextlib.suppress(Unavailable):
                await self._lane.keep(rows)

    async def _hand_over(
        self, rows: Sequence[Waiting]
    ) -> tuple[Sequence[Waiting], Exception | None]:
        """Hand ``rows`` over; answers those taken, and why others were not.

        What a receiver that is there refuses is halved until the row that it refuses is alone: it
        must not keep the others from being taken.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._deliver(rows)
        except (Unavailable, PolicyEngineUnavailable, OSError) as error:  # also TimeoutError
            return (), error
        except Exception as error:  # whatever it is, the rows are tried again
            if len(rows) > 1:
                middle = len(rows) // 2
                first, why = await self._hand_over(rows[:middle])
                second, also = await self._hand_over(rows[middle:])
                return [*first, *second], why or also
            log.exception("refused by receiver", receiver=self._name, key=rows[0].key)
            return (), error
        return rows, None

    async def _give_back(self, claimed: Sequence[Waiting], taken: Sequence[Waiting]) -> None:
        done = {(row.tenant, row.key) for row in taken}
        left = [row for row in claimed if (row.tenant, row.key) not in done]
        await self._lane.put_back(left)
        REFUSED.labels(self._name).inc(len(left))


class Relay:
    """The loops that empty the outbox of one service; each is woken by every commit.

    ``database`` is that of the worker role. ``directive_sender`` is given exactly where the service
    has a directive outbox (ValueError otherwise). Put it among what the service runs.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        *,
        ledger: Ledger,
        news: EventPublisher,
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
        self.loops = [self._loop(LEDGER, _to_ledger(ledger)), self._loop(BUS, _to_news(news))]
        if directive_sender is not None:
            self.loops.append(self._loop(DIRECTIVES, _to_directive_sender(directive_sender)))
        for loop in self.loops:
            outbox.on_commit(loop.wake)
        self.loops.append(Loop("prune", PRUNE_SECONDS, self._prune))
        self._pruners = pruners(database, self._metadata)

    async def start(self) -> None:
        """Begin to deliver and to prune."""
        for loop in self.loops:
            await loop.start()

    async def stop(self) -> None:
        """End; what was claimed and not delivered is delivered by whoever comes next."""
        await asyncio.gather(*(loop.stop() for loop in self.loops))

    def _loop(self, receiver: str, deliver: Deliver) -> Loop:
        lane = OutboxConsumer(self._database, str(self._metadata.schema), receiver)
        step = Delivery(receiver, lane, deliver).step
        return Loop(f"relay_{receiver}", POLL_SECONDS, step, linger=LINGER_SECONDS[receiver])

    async def _prune(self) -> bool:
        counts = [await pruner.prune(PRUNE_BATCH) for pruner in self._pruners]
        return max(counts, default=0) == PRUNE_BATCH


def pruners(database: Database, metadata: MetaData) -> list[Pruner]:
    """What deletes delivered rows an hour later, and request ids after a day."""
    schema = str(metadata.schema)
    kinds = (
        ("outbox", "tenant, event_id", _delivered(schema, "event_id"), DELIVERED_KEPT),
        (
            "directive_outbox",
            "tenant, directive_id",
            _delivered(schema, "directive_id"),
            DELIVERED_KEPT,
        ),
        ("idempotency", "tenant, principal, rpc, request_id", "created_at < $1", KEPT),
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
    """The condition for rows that are old and that nobody has still to take."""
    return (
        f"created_at < $1 AND NOT EXISTS (SELECT FROM {schema}.deliveries AS d"
        f" WHERE d.tenant = row.tenant AND d.key = row.{key})"
    )


def _by_tenant(rows: Sequence[Waiting]) -> Mapping[str, list[Waiting]]:
    groups: dict[str, list[Waiting]] = defaultdict(list)
    for row in rows:
        groups[row.tenant].append(row)
    return groups


def _to_ledger(ledger: Ledger) -> Deliver:
    async def deliver(rows: Sequence[Waiting]) -> None:
        await ledger.append(rows[0].tenant, [event_of(json.loads(row.document)) for row in rows])

    return deliver


def _to_news(news: EventPublisher) -> Deliver:
    async def deliver(rows: Sequence[Waiting]) -> None:
        bus_events = (bus_event_of(event_of(json.loads(row.document))) for row in rows)
        await news.publish([bus_event for bus_event in bus_events if bus_event is not None])

    return deliver


def _to_directive_sender(directive_sender: DirectiveSender) -> Deliver:
    async def deliver(rows: Sequence[Waiting]) -> None:
        directives = [directive_of(json.loads(row.document)) for row in rows]
        await directive_sender.send(rows[0].tenant, directives)

    return deliver
