"""How much slower a tenant's calls become beside another tenant's flood, on one runtime.

The bar on an idle machine with two cores is a 99th percentile of at most three times that without
the flood; only the ratio is to be trusted.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Final

from tests.benchmarks.frame.figures import Family, Figure, Peer, Run, part_of_peer
from tests.robustness.crowds.measures import percentile
from tests.robustness.floods.caller import Caller
from tests.robustness.floods.tenants import (
    ENVIRONMENT,
    call_in_turn,
    caller,
    flood_by,
    loud_and_calm,
)
from tests.support.processes.breakable_runtime import breakable_runtime

QUOTAS: Final = {
    **ENVIRONMENT,
    "PHOENIX_DMA_QUOTA_MUTATIONS": "4",
    "PHOENIX_DMA_QUOTA_READS": "20",
    "PHOENIX_DMA_QUOTA_SEARCHES": "4",
    "PHOENIX_DMA_QUOTA_BEATS": "20",
}
PAUSE: Final = 0.15
CLIENTS: Final = 4
CALLS: Final = 55
"""Of a phase: of the calls of two phases one may be slower than the 99th percentile."""
PHASES: Final = 2


async def measured(caller: Caller, calls: int) -> list[float]:
    """How long each call of a phase took, in milliseconds; none is refused."""
    took = []
    async for call in call_in_turn(caller, calls, PAUSE):
        begun = time.perf_counter()
        await call()
        took.append(1000 * (time.perf_counter() - begun))
    return took


async def measure(run: Run) -> AsyncIterator[Figure]:
    """In turns, so that whatever else the machine does is on both sides."""
    quiet: list[float] = []
    beside: list[float] = []
    async with (
        breakable_runtime(QUOTAS) as runtime,
        loud_and_calm(runtime) as (loud, calm),
        caller(calm) as asking,
    ):
        for phase in range(run.choose(PHASES, 1)):
            run.say(f"floods: phase {phase + 1}, without and beside a flood")
            calls = run.choose(CALLS, 11)
            quiet += await measured(asking, calls)
            async with flood_by(loud, CLIENTS):
                beside += await measured(asking, calls)
    for share, name, bars in ((0.5, "p50", ()), (0.99, "p99", part_of_peer(3))):
        yield Figure(
            what="a calm tenant's calls beside another one's flood",
            value=percentile(beside, share),
            unit=f"ms {name}",
            bars=bars,
            peer=Peer("without it", percentile(quiet, share)),
        )


FAMILY = Family(
    name="floods", asks="How much does one tenant's flood slow another down?", measure=measure
)
