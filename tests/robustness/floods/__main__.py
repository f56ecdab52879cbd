"""The clients of a flood, as a process of its own that leaves the processors to everybody else.

Those who flood a runtime have machines of their own; here they share one with it. Reads one line of
JSON (`Orders`), says that it floods once the runtime has refused it something of every kind, goes
on until its input ends, and then says how often it was answered what.
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
from tests.robustness.floods.flood import FLOODING, Orders

POLITE = 19


class Flood:
    """Everybody asks and asks."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self._unrefused: set[str] = set()
        self._refused = asyncio.Event()

    async def run(self, caller: Caller, clients: int) -> None:
        """Until nobody listens on our input any more."""
        # One stream: several of one participant end each other, and what floods is then the
        # filling of windows that nobody reads, which costs this process most.
        asks = [*caller.ways * clients, caller.beat_on]
        self._unrefused = {ask.__name__ for ask in caller.ways}
        flooding = [asyncio.create_task(self._ask_on(ask)) for ask in asks]
        try:
            await self._refused.wait()
            print(FLOODING, flush=True)
            await asyncio.to_thread(sys.stdin.read)
        finally:
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
    """Flood as ordered."""
    orders = Orders.read(sys.stdin.readline())
    flood = Flood()
    async with grpc.aio.insecure_channel(orders.address) as channel:
        await flood.run(Caller(channel, orders.credentials), orders.clients)
    print(json.dumps(flood.answers), flush=True)


def be_polite() -> None:
    """Have the processors last of all: inside of our session, and our session among others."""
    os.nice(POLITE)
    session = Path("/proc/self/autogroup")
    if session.exists():
        session.write_text(str(POLITE))


if __name__ == "__main__":
    be_polite()
    asyncio.run(main())
