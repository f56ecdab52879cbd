"""Publishes and reads bus events: CloudEvents on one Redis stream, which may be lost.

An event says that something happened and never what is true: its reader asks the service that owns
the row, and reconciles from time to time, so that a lost event only costs time.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import redis.exceptions
import structlog
from redis.asyncio import Redis

from phoenix_runtime.chassis.delivery.bus_events import BusEvent, decode, encode
from phoenix_runtime.chassis.redis import redis_reachable

STREAM: Final = "phoenix_dma:events"
LENGTH: Final = 100_000
"""About how many events the stream holds; the oldest are dropped first."""
BLOCK_MILLISECONDS: Final = 2_000
LONGEST_PAUSE: Final = 2.0

log = structlog.get_logger()


class Bus:
    """Publishes events on the stream."""

    def __init__(self, client: Redis, *, stream: str = STREAM, length: int = LENGTH) -> None:
        self._client = client
        self._stream = stream
        self._length = length

    async def publish(self, bus_events: Sequence[BusEvent]) -> None:
        """Append ``bus_events`` in one round trip; raises `core.errors.Unavailable`."""
        with redis_reachable():
            async with self._client.pipeline(transaction=False) as pipeline:
                for bus_event in bus_events:
                    entry: dict[Any, Any] = {"event": encode(bus_event)}
                    pipeline.xadd(self._stream, entry, maxlen=self._length, approximate=True)
                await pipeline.execute()


class BusReader:
    """Reads the stream from the first call of `bus_events` on; reconnects by itself."""

    def __init__(self, client: Redis, *, stream: str = STREAM) -> None:
        self._client = client
        self._stream = stream
        self._after: Any = b""
        self.ready = asyncio.Event()
        """Set once the position in the stream is known: every later event is read."""

    async def bus_events(self) -> AsyncIterator[BusEvent]:
        """Every event from now on, without end; an invalid entry is logged and skipped.

        A lost server is waited for; its events may be lost with it.
        """
        pause = 0.05
        while True:
            try:
                entries = await self._read()
                pause = 0.05
            except (redis.exceptions.RedisError, OSError) as error:
                log.warning("bus_unreachable", error=type(error).__name__)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # only jitter
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            for entry in entries:
                bus_event = _decoded(entry)
                if bus_event is not None:
                    yield bus_event

    async def _read(self) -> Sequence[Mapping[bytes, bytes]]:
        if not self._after:
            # "$" in every read would lose the events that are published between two reads.
            newest = await self._client.xrevrange(self._stream, count=1)
            self._after = newest[0][0] if newest else b"0-0"
            self.ready.set()
        answer = await self._client.xread(
            {self._stream: self._after}, count=500, block=BLOCK_MILLISECONDS
        )
        entries = _entries(answer)
        if entries:
            self._after = entries[-1][0]
        return [entry for _, entry in entries]


def _entries(answer: Any) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
    """The entries of an XREAD, in both versions of the protocol."""
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, dict) else [pair[1] for pair in answer]
    # RESP3 wraps each stream's entries in one list more.
    return [
        (entry[0], entry[1])
        for entries in streams
        for entry in (entries[0] if entries and isinstance(entries[0], list) else entries)
    ]


def _decoded(entry: Mapping[bytes, bytes]) -> BusEvent | None:
    """The event of an entry; None for an invalid one."""
    try:
        return decode(entry[b"event"])
    except (ValueError, KeyError, TypeError) as error:
        log.warning("bus_entry_invalid", error=type(error).__name__)
        return None
