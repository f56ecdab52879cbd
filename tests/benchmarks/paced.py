"""Paced beats: a thousand agents, each with one beat in three seconds; how long answers take."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.beats import CONNECTIONS, UNHURRIED
from tests.benchmarks.frame.beating import beat_streams, members_of, opened, paced
from tests.benchmarks.frame.clients import channels, populate
from tests.benchmarks.frame.figures import (
    Family,
    Figure,
    Peer,
    Run,
    at_most,
    part_of_peer,
)
from tests.benchmarks.frame.load import Timings
from tests.benchmarks.peers.etcd import LeaseStream, etcd
from tests.e2e.scenarios.scenario import Scenario
from tests.support.processes.breakable_runtime import breakable_runtime

INTERVAL: Final = 3.0


async def of_etcd(run: Run, size: int, seconds: float) -> Timings | None:
    """The same of etcd; None where there is none."""
    async with etcd() as server:
        if server is None:
            return None
        run.say(f"paced: etcd, {size} agents for {seconds:g} s")
        async with channels(server.address, CONNECTIONS) as connections:
            streams = [LeaseStream(connections[n % CONNECTIONS]) for n in range(size)]
            async with opened(streams):
                return await paced(streams, INTERVAL, seconds)


async def measure(run: Run) -> AsyncIterator[Figure]:
    """At the registry's own port, then through the gateway."""
    size, seconds = run.choose(1_000, 100), float(run.choose(30, 6))
    beside = await of_etcd(run, size, seconds)
    async with (
        breakable_runtime(UNHURRIED) as runtime,
        Scenario(runtime, new_id("tenant")) as scenario,
    ):
        run.say(f"paced: {size} participants register")
        names = await populate(scenario, "agent.paced", size, {})
        members = members_of(scenario, names)
        for part in ("registry", "gateway"):
            run.say(f"paced: {size} agents at the {part} for {seconds:g} s")
            async with channels(runtime.address(part), CONNECTIONS) as connections:
                streams = beat_streams(connections, members)
                async with opened(streams):
                    timings = await paced(streams, INTERVAL, seconds)
            bars = at_most(4) + part_of_peer(0.1) if part == "registry" else ()
            for share, name, judged in ((0.5, "p50", ()), (0.99, "p99", bars)):
                peer = beside.milliseconds(share) if beside else None
                yield Figure(
                    what=f"{size:,} agents, a beat in {INTERVAL:g} s, at the {part}",
                    value=timings.milliseconds(share),
                    unit=f"ms {name}",
                    bars=judged,
                    peer=Peer("etcd", peer),
                )


FAMILY = Family(
    name="paced",
    asks="How soon is a beat answered while a thousand agents beat?",
    measure=measure,
    peers=("etcd",),
)
