"""How much slower a tenant's calls become beside another tenant's flood, in one run on one runtime.

Run with ``python -m tests.benchmarks.floods``. The bar on an idle machine with two cores is a 99th
percentile of at most three times that without the flood; only the ratio is to be trusted.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import Counter
from typing import Final

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


async def measured(caller: Caller) -> list[float]:
    """How long each call of a phase took, in seconds; none is refused."""
    took = []
    async for call in call_in_turn(caller, CALLS, PAUSE):
        begun = time.perf_counter()
        await call()
        took.append(time.perf_counter() - begun)
    return took


async def run(phases: int) -> None:
    """Measure in turns, so that whatever else the machine does is on both sides."""
    quiet: list[float] = []
    beside: list[float] = []
    answers: Counter[str] = Counter()
    async with (
        breakable_runtime(QUOTAS) as runtime,
        loud_and_calm(runtime) as (loud, calm),
        caller(calm) as asking,
    ):
        for _ in range(phases):
            quiet += await measured(asking)
            async with flood_by(loud, CLIENTS) as answered:
                beside += await measured(asking)
            answers += answered
    print(f"the flood was answered {dict(answers)}")
    for name, of in (("median", statistics.median), ("p99", p99)):
        before, during = of(quiet), of(beside)
        print(
            f"{name}: {before * 1000:.0f} ms, beside a flood {during * 1000:.0f} ms,"
            f" ratio {during / before:.1f}"
        )


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    return percentile(values, 0.99)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phases", type=int, default=2, help="with and without a flood (2)")
    asyncio.run(run(parser.parse_args().phases))
