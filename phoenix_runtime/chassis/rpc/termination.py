"""Ends a stream whose reader takes nothing, without waiting for that reader."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from grpc.aio import AbortError, InternalError, ServicerContext
from prometheus_client import Counter

from phoenix_runtime.chassis.rpc.statuses import code_of, metadata_of, text_of
from phoenix_runtime.core.errors import Refused

SLOW_READERS: Final = Counter(
    "phoenix_dma_slow_readers_total", "Streams that were cut because nobody read them"
)


class StreamTermination:
    """Sends final statuses behind messages that a reader has not taken.

    A status is sent after the messages before it: gRPC keeps both for a reader that never reads,
    until its connection ends; a reader that continues receives it. Waiting for that could take for
    ever, so the task that serves the stream ends at once, and this object waits instead.
    """

    def __init__(self) -> None:
        self._sending: set[asyncio.Task[None]] = set()

    def send(
        self,
        refused: Refused,
        context: ServicerContext[Any, Any],
        serving: "asyncio.Task[Any] | None",
    ) -> None:
        """End the stream of ``context``, which the task ``serving`` serves, with ``refused``."""
        sending = asyncio.create_task(_abort(context, refused))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        if serving is not None:
            serving.cancel()


async def _abort(context: ServicerContext[Any, Any], refused: Refused) -> None:
    # Raised to whoever aborts, which is us; and where the connection ended first.
    with suppress(AbortError, InternalError):
        await context.abort(code_of(refused), text_of(refused), tuple(metadata_of(refused)))
