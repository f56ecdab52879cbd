"""The rows of a soak, after a warm-up of a sixth of its time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.beats import CONNECTIONS, UNHURRIED
from tests.benchmarks.cycle import Cycles, cycles
from tests.benchmarks.frame.beating import BeatStream, beat_streams, members_of, opened
from tests.benchmarks.frame.clients import channels, ended, populate
from tests.benchmarks.frame.figures import Family, Figure, Run, at_most
from tests.benchmarks.frame.metering import counting_runtime
from tests.benchmarks.soak.watching import MemoryWatch, rows
from tests.e2e.scenarios.scenario import Scenario

STREAMS: Final = 2_000
BEAT_SECONDS: Final = 10.0
REFRESH_BEATS: Final = 30
"""Beats after which a stream brings a new credential: every five minutes."""
FLOWING: Final = 4
"""Tasks on their way at once."""
PAUSE: Final = 0.2
"""Between two tasks of the same submitter: the soak is no test of speed."""
TRANSIENT: Final = ("deliveries", "directives without acknowledgement")
"""What is there until something has been delivered. What was delivered is kept for an hour."""


async def keep_beating(stream: BeatStream, offset: float) -> None:
    """A beat in every interval, and a new credential before the old one lapses."""
    await asyncio.sleep(offset)
    while True:
        for _ in range(REFRESH_BEATS):
            await stream.beat()
            await asyncio.sleep(BEAT_SECONDS)
        await stream.refresh()


async def keep_flowing(made: Cycles, done: Counter[str]) -> None:
    """One task after the other."""
    while True:
        await made.cycle()
        done["tasks"] += 1
        await asyncio.sleep(PAUSE)


def still_running(jobs: Sequence[asyncio.Task[None]]) -> None:
    """Raise what ended one of them: none does by itself."""
    for job in jobs:
        if job.done():
            job.result()


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Everybody beats, tasks flow, and after the warm-up what is there is counted twice."""
    seconds, size = 60 * run.minutes, run.choose(STREAMS, 100)
    async with (
        counting_runtime(UNHURRIED) as counting,
        Scenario(counting.runtime, new_id("tenant")) as scenario,
        channels(counting.runtime.address("gateway"), CONNECTIONS) as connections,
        cycles(counting.runtime.profile) as made,
    ):
        run.say(f"soak: {size:,} participants register")
        names = await populate(scenario, "agent.soaking", size, {})
        streams = beat_streams(connections, members_of(scenario, names))
        done: Counter[str] = Counter()
        async with opened(streams):
            jobs = [
                asyncio.create_task(keep_beating(stream, BEAT_SECONDS * number / size))
                for number, stream in enumerate(streams)
            ]
            jobs += [asyncio.create_task(keep_flowing(made, done)) for _ in range(FLOWING)]
            run.say(f"soak: warm-up of {seconds / 360:.1f} min")
            await asyncio.sleep(seconds / 6)
            still_running(jobs)
            before, begun = await rows(counting.database), done["tasks"]
            memory = MemoryWatch(counting)
            async with memory.running():
                await waited(run, seconds * 5 / 6, jobs, done)
            after, tasks = await rows(counting.database), done["tasks"] - begun
            await ended(jobs)
    yield Figure(what="soak", value=tasks, unit="tasks completed", note=f"{size:,} streams")
    for process, slope in memory.slopes().items():
        bars = at_most(1) if process not in {"postgres", "valkey"} else ()
        yield Figure(
            what=f"soak, memory of {process}", value=slope, unit="MiB/h", bars=bars, steady=True
        )
    for figure in growth(before, after, tasks):
        yield figure


async def waited(
    run: Run, seconds: float, jobs: Sequence[asyncio.Task[None]], done: Counter[str]
) -> None:
    """Wait so long, and tell each minute how far it is."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0:
        await asyncio.sleep(min(60.0, left))
        still_running(jobs)
        run.say(f"soak: {max(0.0, until - loop.time()) / 60:.0f} min left, {done['tasks']:,} tasks")


def growth(before: dict[str, int], after: dict[str, int], tasks: int) -> list[Figure]:
    """Rows that each table has gained, for each task; of transient tables none may stay."""
    found = []
    for name, count in after.items():
        gained = count - before.get(name, 0)
        transient = name.rpartition(".")[2] in TRANSIENT
        if gained > 0 or transient:
            found.append(
                Figure(
                    what=f"soak, rows of {name}",
                    value=gained / max(1, tasks),
                    unit="rows a task",
                    bars=at_most(0.01) if transient else (),
                    steady=True,
                    note=f"{count:,} at the end",
                )
            )
    return found


FAMILY = Family(
    name="soak", asks="Does anything grow that should not?", measure=measure, default=False
)
