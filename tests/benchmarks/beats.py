"""Beats: what one costs the server, one in a message and many, beside etcd and Valkey.

Every stream sends the next message as soon as the last one is acknowledged. What counts is the
server's processor time for a beat, all that its handler does included; how many a second there were
is the load's measure, which runs on the other core.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import redis.asyncio as redis

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.beating import Beating, Member, beat_streams, members_of, opened
from tests.benchmarks.frame.clients import channels, populate
from tests.benchmarks.frame.figures import Bar, Family, Figure, Peer, Run, at_most, times_peer
from tests.benchmarks.frame.load import Call, Timings, drive
from tests.benchmarks.frame.processes import processor_ms, tree
from tests.benchmarks.peers.etcd import LeaseStream, etcd
from tests.benchmarks.peers.valkey import PIPELINE, setting
from tests.e2e.scenarios.scenario import Scenario
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime

CONNECTIONS: Final = 10
UNHURRIED: Final = {
    "PHOENIX_DMA_LEASE_TTL": "3600",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "1200",
}
"""Nobody is late while streams are opened."""
FEWEST: Final = 50
"""Keys and pipelines for Valkey: as many as it takes to keep it busy."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What beats have cost a server."""

    a_second: float
    microseconds: float
    """Of its processors, for one."""

    @property
    def per_core(self) -> float:
        """How many one core would take a second."""
        return 1e6 / self.microseconds


async def cost_of(
    pids: Callable[[], Sequence[int]], work: Callable[[], Awaitable[Timings]], each: int = 1
) -> Cost:
    """What each of ``each`` beats a message costs these processes while ``work`` goes on."""
    before = processor_ms(pids())
    timings = await work()
    used = processor_ms(pids()) - before
    beats = timings.count * each
    return Cost(beats / timings.took, 1000 * used / beats)


async def beaten(
    streams: Sequence[Beating], pids: Callable[[], Sequence[int]], run: Run, each: int = 1
) -> Cost:
    """What beats on these streams cost, after a moment to warm up."""
    calls: list[Call] = [stream.beat for stream in streams]
    async with opened(streams):
        await drive(calls, seconds=1.0)
        return await cost_of(pids, lambda: drive(calls, seconds=run.seconds), each)


async def of_etcd(run: Run, size: int, connections: int) -> float | None:
    """Beats of one core of etcd; None where there is none."""
    async with etcd() as server:
        if server is None:
            return None
        run.say(f"beats: etcd, {size} streams on {connections} connections")
        async with channels(server.address, connections) as opened_to:
            streams = [LeaseStream(opened_to[n % connections]) for n in range(size)]
            return (await beaten(streams, lambda: tree(server.pid), run)).per_core


async def of_valkey(runtime: BreakableRuntime, run: Run) -> float:
    """SETs with an expiry of one core of Valkey, sixteen in a pipeline."""
    run.say("beats: Valkey, SET EX in pipelines of 16")
    client = redis.from_url(runtime.redis_url)
    try:
        calls: list[Call] = [setting(client, 10_000) for _ in range(FEWEST)]
        pids = [runtime.pid("valkey")]
        cost = await cost_of(lambda: pids, lambda: drive(calls, seconds=run.seconds), PIPELINE)
    finally:
        await client.aclose()
    return cost.per_core


class Beats:
    """The rows of one runtime, with everybody registered."""

    def __init__(self, runtime: BreakableRuntime, run: Run, members: list[Member]) -> None:
        self._runtime = runtime
        self._run = run
        self._members = members

    async def measured(
        self, connections: int, each: int = 1, parts: Sequence[str] = ("registry",)
    ) -> Cost:
        """So many connections to the last of ``parts``, ``each`` participants on a stream."""
        door = parts[-1]
        self._run.say(f"beats: {connections} connections to the {door}, {each} a message")

        def pids() -> list[int]:
            return [pid for part in parts for pid in tree(self._runtime.pid(part))]

        async with channels(self._runtime.address(door), connections) as opened_to:
            return await beaten(beat_streams(opened_to, self._members, each), pids, self._run, each)


def figures(
    what: str, cost: Cost, peer: Peer, bars: tuple[Bar, ...], limit: tuple[Bar, ...] = ()
) -> list[Figure]:
    """Beats of one core beside the peer's, and the processor time of one."""
    return [
        Figure(
            what=what,
            value=cost.per_core,
            unit="beats/s of a core",
            bars=bars,
            peer=peer,
            steady=True,
            note=f"{cost.a_second:,.0f}/s in this run",
        ),
        Figure(
            what=what,
            value=cost.microseconds,
            unit="µs of a processor a beat",
            bars=limit,
            steady=True,
        ),
    ]


async def measure(run: Run) -> AsyncIterator[Figure]:
    """etcd before the runtime is up, Valkey beside it while nobody beats."""
    size = run.choose(1_000, 100)
    shared = Peer("etcd", await of_etcd(run, size, CONNECTIONS))
    alone = Peer("etcd", await of_etcd(run, size, size))
    async with (
        breakable_runtime(UNHURRIED) as runtime,
        Scenario(runtime, new_id("tenant")) as scenario,
    ):
        run.say(f"beats: {size} participants register")
        names = await populate(scenario, "agent.beating", size, {})
        beats = Beats(runtime, run, members_of(scenario, names))
        streams = f"{size:,} streams on {CONNECTIONS} connections"
        one = await beats.measured(CONNECTIONS)
        for figure in figures(
            f"{streams}, 1 beat a message", one, shared, times_peer(1.5), at_most(33)
        ):
            yield figure
        own = await beats.measured(size)
        for figure in figures(
            f"{size:,} own connections", own, alone, times_peer(1.5), at_most(33)
        ):
            yield figure
        through = await beats.measured(CONNECTIONS, parts=("registry", "gateway"))
        for figure in figures(
            f"{streams}, through the gateway, both together", through, shared, ()
        ):
            yield figure
        ten = await beats.measured(CONNECTIONS, 10)
        for figure in figures("10 beats a message", ten, shared, ()):
            yield figure
        hundred = await beats.measured(CONNECTIONS, 100)
        valkey = Peer("Valkey SET EX", await of_valkey(runtime, run))
        for figure in figures("100 beats a message", hundred, shared, times_peer(10)):
            yield figure
        yield figures("100 beats a message", hundred, valkey, times_peer(1))[0]


FAMILY = Family(
    name="beats", asks="What does a heartbeat cost the server?", measure=measure, peers=("etcd",)
)
