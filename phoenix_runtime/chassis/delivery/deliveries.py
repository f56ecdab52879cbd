"""Delivers the rows of an outbox to one receiver, at least once each."""

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Counter

from phoenix_runtime.chassis.data.outbox import OutboxRow
from phoenix_runtime.chassis.delivery.consumers import OutboxConsumer
from phoenix_runtime.chassis.failpoints import DELIVERY_AND_MARK, passing
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Unavailable

log = structlog.get_logger()

BATCH: Final = 500
"""Rows of one call to a receiver at most."""
MOST_HANDED: Final = 10 * BATCH
"""Rows that wait in memory at most."""
FALLBACK_SECONDS: Final = 60.0
"""How often the outbox is read although nobody says that a row is due in it."""
SETTLE_SECONDS: Final = 0.5
"""How long delivered rows wait to be settled together; a crash in between delivers them again,
without effect."""
EXTENDED_AFTER: Final = CLAIM_DURATION.total_seconds() / 3
"""How long a delivery takes before its claim is extended, and how often then."""
RECEIVER_TIMEOUT_SECONDS: Final = 15.0
"""How long one call to a receiver may take."""

RELAYED: Final = Counter("phoenix_dma_relayed_total", "Rows delivered to a receiver", ["receiver"])
REFUSED: Final = Counter(
    "phoenix_dma_relay_failures_total",
    "Rows that could not be delivered to a receiver",
    ["receiver"],
)

Deliver = Callable[[Sequence[OutboxRow]], Awaitable[None]]


class Delivery:
    """Delivers to one receiver: what is handed over after a commit, and rows that it claims.

    Rows that are handed over are claimed by the commit itself, so they cost no statement before
    they are delivered, and are settled together, some time after. What a crash, another replica or
    a refusal left behind is claimed from the table.
    """

    def __init__(self, receiver: str, consumer: OutboxConsumer, deliver: Deliver) -> None:
        self.receiver = receiver
        self._consumer = consumer
        self._deliver = deliver
        self._handed: deque[OutboxRow] = deque()
        self._unsettled: list[OutboxRow] = []
        self._settle_at = 0.0
        self._look_at = 0.0
        """When the table is read next, although rows are handed over."""
        self._direct = False
        self._retrying = False
        """Whether rows that could not be delivered wait for another attempt."""

    def take(self, rows: Sequence[OutboxRow]) -> None:
        """Deliver ``rows``, which were committed just now and are claimed; the next step does it.

        More than are kept in memory are claimed from the table, once their claim has lapsed.
        """
        self._direct = True
        self._handed.extend(rows[: MOST_HANDED - len(self._handed)])

    def look(self) -> None:
        """Read the table in the next step: a row is due in it that was not handed over."""
        self._look_at = 0.0

    async def step(self) -> bool | timedelta:
        """Deliver one batch; true where there may be more, else a time where something is due then.

        Raises the first failure where nothing could be delivered, so that the loop pauses.
        """
        if not self._direct:
            return await self._look()
        if _now() >= self._look_at and await self._look() is True:
            return True
        handed = [self._handed.popleft() for _ in range(min(BATCH, len(self._handed)))]
        if handed:
            self._note(await self._deliver_batch(handed))
        await self._settle_in_time()
        return bool(self._handed) or self._rest()

    async def close(self) -> None:
        """Settle what was delivered; what was not is claimed once its claim has lapsed."""
        with contextlib.suppress(Unavailable):
            await self._settle()

    async def _look(self) -> bool | timedelta:
        """Claim rows from the table and deliver them."""
        self._look_at = _now() + FALLBACK_SECONDS
        claimed = await self._consumer.claim(BATCH)
        if claimed:
            self._unsettled += await self._deliver_batch(claimed)
        await self._settle()
        if len(claimed) == BATCH:
            self._look_at = 0.0
            return True
        return await self._until_retry()

    def _note(self, delivered: Sequence[OutboxRow]) -> None:
        if delivered and not self._unsettled:
            self._settle_at = _now() + SETTLE_SECONDS
        self._unsettled += delivered

    async def _settle_in_time(self) -> None:
        if len(self._unsettled) >= BATCH or (self._unsettled and _now() >= self._settle_at):
            await self._settle()

    async def _settle(self) -> None:
        if self._unsettled:
            await self._consumer.settle(self._unsettled)
            self._unsettled = []

    def _rest(self) -> timedelta:
        """How long until something is due."""
        due = min(self._look_at, self._settle_at) if self._unsettled else self._look_at
        return timedelta(seconds=max(0.0, due - _now()))

    async def _deliver_batch(self, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
        """Deliver ``rows`` by tenant; answers those delivered.

        The others are tried again later. Raises the first failure where nothing was delivered.
        """
        groups = _by_tenant(rows)
        async with self._claim_extended(rows):
            outcomes = await asyncio.gather(
                *(self._deliver_group(group) for group in groups.values())
            )
        delivered = [row for some, _ in outcomes for row in some]
        if delivered:
            passing(DELIVERY_AND_MARK, self.receiver, *groups)
            RELAYED.labels(self.receiver).inc(len(delivered))
        errors = [error for _, error in outcomes if error is not None]
        if errors:
            await self._retry_later(rows, delivered)
        if errors and not delivered:
            raise errors[0]
        return delivered

    async def _until_retry(self) -> bool | timedelta:
        """How long until the next row is due, while some wait for another attempt."""
        if not self._retrying:
            return False
        wait = await self._consumer.until_due()
        self._retrying = wait is not None
        if wait is None:
            return False
        wait = min(wait, timedelta(seconds=FALLBACK_SECONDS))
        self._look_at = _now() + wait.total_seconds()
        return wait

    @contextlib.asynccontextmanager
    async def _claim_extended(self, rows: Sequence[OutboxRow]) -> AsyncIterator[None]:
        """Extend the claim of ``rows`` during the block, so that a claim can be short."""
        extending: list[asyncio.Task[None]] = []
        # Nearly all are delivered long before: a timer costs a tenth of a task.
        timer = asyncio.get_running_loop().call_later(
            EXTENDED_AFTER, lambda: extending.append(asyncio.create_task(self._extend(rows)))
        )
        try:
            yield
        finally:
            timer.cancel()
            for task in extending:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _extend(self, rows: Sequence[OutboxRow]) -> None:
        while True:
            # Without the database the claim expires, and a row is delivered twice, without effect.
            with contextlib.suppress(Unavailable):
                await self._consumer.extend(rows)
            await asyncio.sleep(EXTENDED_AFTER)

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
            log.exception("delivery_refused", receiver=self.receiver, key=rows[0].key)
            return (), error
        return rows, None

    async def _retry_later(
        self, claimed: Sequence[OutboxRow], delivered: Sequence[OutboxRow]
    ) -> None:
        done = {(row.tenant, row.key) for row in delivered}
        left = [row for row in claimed if (row.tenant, row.key) not in done]
        self._retrying = True
        self._look_at = 0.0
        await self._consumer.retry_later(left)
        REFUSED.labels(self.receiver).inc(len(left))


def _by_tenant(rows: Sequence[OutboxRow]) -> Mapping[str, list[OutboxRow]]:
    groups: dict[str, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        groups[row.tenant].append(row)
    return groups


def _now() -> float:
    return time.monotonic()
