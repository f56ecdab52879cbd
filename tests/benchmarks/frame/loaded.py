"""The rows of one operation under load, the same for every operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.benchmarks.frame.figures import Bar, Figure, Peer
from tests.benchmarks.frame.load import Call, Timings, drive, warm
from tests.benchmarks.frame.metering import CountingRuntime, Spent

Bars = Mapping[str, tuple[Bar, ...]]
"""By the name of the row: rate, p50, p99, statements, commits or processor."""


async def under_load(
    counting: CountingRuntime, calls: Sequence[Call], seconds: float
) -> tuple[Timings, Spent]:
    """Warm up, then call for so long; answers the lengths, and what the runtime has used."""
    await warm(calls)
    return await counting.measured(lambda: drive(calls, seconds=seconds))


def timing_figures(
    what: str, unit: str, timings: Timings, bars: Bars, peers: Mapping[str, Peer]
) -> list[Figure]:
    """Rate and percentiles: ``unit`` names what is counted, such as ``tasks``."""
    values = {
        "rate": (timings.rate, f"{unit}/s"),
        "p50": (timings.milliseconds(0.5), "ms p50"),
        "p99": (timings.milliseconds(0.99), "ms p99"),
    }
    return [
        Figure(what=what, value=value, unit=said, bars=bars.get(name, ()), peer=peers.get(name))
        for name, (value, said) in values.items()
    ]


def cost_figures(what: str, count: int, spent: Spent, bars: Bars) -> list[Figure]:
    """Statements, commits and processor time of one operation of ``count``."""
    parts = {part: used / count for part, used in spent.processor_ms.items()}
    note = ", ".join(f"{part} {used:.1f}" for part, used in parts.items() if used >= 0.05)
    values = {
        "statements": (spent.statements / count, "statements each", ""),
        "commits": (spent.commits / count, "commits each", ""),
        "processor": (spent.processor() / count, "ms of a processor each", note),
    }
    return [
        Figure(what=what, value=value, unit=said, bars=bars.get(name, ()), steady=True, note=why)
        for name, (value, said, why) in values.items()
    ]


NO_PEERS: Mapping[str, Peer] = {}


def load_figures(
    what: str,
    unit: str,
    measured: tuple[Timings, Spent],
    bars: Bars,
    peers: Mapping[str, Peer] = NO_PEERS,
) -> list[Figure]:
    """All rows of one operation."""
    timings, spent = measured
    return [
        *timing_figures(what, unit, timings, bars, peers),
        *cost_figures(what, timings.count, spent, bars),
    ]
