"""The clients of a flood, as a process of its own that leaves the processors to everybody else.

Those who flood a runtime have machines of their own; here they share one with it. The process reads
one line of JSON (`FloodOptions`), prints that it floods as soon as a call of every kind has been
refused, goes on until its input ends, and then prints how often it was answered what.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path

import grpc.aio
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_runtime.chassis.loops import end
from tests.robustness.floods.caller import Ask, Caller
from tests.robustness.floods.flood import FLOODING, FloodOptions

LOWEST_PRIORITY = 19


class Flood:
    """Clients that call again as soon as they are answered."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self._unrefused: set[str] = set()
        self._refused = asyncio.Event()

    async def run(self, caller: Caller, clients: int) -> None:
        """Call until the standard input ends."""
        # One stream: several of one participant end each other, and what floods is then the
        # filling of windows that nobody reads, which costs this process most.
        asks = [*caller.ways * clients, caller.beat_on]
        self._unrefused = {ask.__name__ for ask in caller.ways}
        flooding = [asyncio.create_task(self._ask_on(ask)) for ask in asks]
        # Read from the start: whoever started this process may die before any call is refused.
        ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        refused = asyncio.create_task(self._refused.wait())
        try:
            await asyncio.wait({ended, refused}, return_when=asyncio.FIRST_COMPLETED)
            if refused.done():
                print(FLOODING, flush=True)
            await ended
        finally:
            refused.cancel()
            # One that is cancelled while gRPC prepares its stream may not notice it.
            await asyncio.gather(*map(end, flooding))

    async def _ask_on(self, ask: Ask) -> None:
        while True:
            try:
                await ask()
                self.answers["OK"] += 1
            except AioRpcError as refused:
                self.answers[refused.code().name] += 1
                if refused.code() is StatusCode.RESOURCE_EXHAUSTED:
                    self._unrefused.discard(ask.__name__)
                    if not self._unrefused:
                        self._refused.set()


async def main() -> None:
    """Flood as the options say."""
    options = FloodOptions.read(sys.stdin.readline())
    flood = Flood()
    async with grpc.aio.insecure_channel(options.address) as channel:
        await flood.run(Caller(channel, options.credentials), options.clients)
    print(json.dumps(flood.answers), flush=True)


def lower_priority() -> None:
    """Take the processors last of all: within the own session, and the session among others."""
    os.nice(LOWEST_PRIORITY)
    session = Path("/proc/self/autogroup")
    if session.exists():
        session.write_text(str(LOWEST_PRIORITY))


if __name__ == "__main__":
    lower_priority()
    asyncio.run(main())
