"""What a search for candidates costs where 1,000, 10,000 and 100,000 participants are registered.

Run with ``python -m tests.benchmarks.discovery``; ``--json`` for programs. Half of the participants
are eligible, each at a price of its own, and a page has ten. Searches go through the gateway; the
participants are copies of one that was registered through it, written into the tables, since to
register a hundred thousand takes minutes. Before a size is measured, the cheapest of its copies has
to be found as the best. Statements and processor time a search do not depend on what else the
machine does; searches a second do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import asyncpg

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.profile import read_profile
from phoenix_dma.v1 import registry_pb2
from phoenix_runtime.local.runtime import LocalRuntime
from tests.benchmarks.cycle import ASKED, processor_ms
from tests.robustness.crowds.measures import percentile
from tests.support.processes.process_tree import descendants
from tests.support.servers.statements import asked, counting_options
from tests.support.servers.temporary import temporary

SIZES: Final = (1_000, 10_000, 100_000)
PAGE: Final = 10
AT_ONCE: Final = 16
WARM_UP: Final = 20
TEMPLATE: Final = "agent.template"
NEED: Final = registry_pb2.DiscoverParticipantsRequest(
    required_capabilities=["duplicate_detection"], data_domains=["customer"], page_size=PAGE
)
COPIED: Final = """
    INSERT INTO registry.participants
    SELECT (jsonb_populate_record(template, jsonb_build_object(
        'participant_id', name, 'cost', price, 'status', state, 'declaration',
        template.declaration || jsonb_build_object('id', name, 'cost', price)))).*
    FROM registry.participants AS template, generate_series($1::int, $2::int) AS number,
    LATERAL (SELECT 'agent.' || number AS name,
        CASE WHEN number = $2 THEN 1.0 / $2 ELSE 1 + number % 997 END AS price,
        CASE WHEN number % 2 = 0 THEN 'active' ELSE 'failed' END AS state) AS copy
    WHERE template.participant_id = $3
"""
EDGES: Final = """
    INSERT INTO registry.edges
    SELECT (jsonb_populate_record(template, jsonb_build_object('participant_id', copied))).*
    FROM registry.edges AS template, generate_series($1::int, $2::int) AS number,
    LATERAL (SELECT 'agent.' || number AS copied) AS copy
    WHERE template.participant_id = $3
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one search costs among ``participants``."""

    participants: int
    p50_ms: float
    a_second: float
    statements: float
    commits: float
    processor_ms: float
    by_process_ms: Mapping[str, float]
    largest_ms: float
    """The longest of the searches that were made one at a time."""


class Bench:
    """One runtime that is filled, and somebody who searches."""

    def __init__(self, runtime: LocalRuntime, database: asyncpg.Connection[asyncpg.Record]) -> None:
        self._runtime = runtime
        self._database = database
        self._client = AsyncPhoenixClient(profile=read_profile(runtime.profile))
        self._size = 0

    async def open(self) -> None:
        """Register the one whom all others are copies of."""
        declared = registry_pb2.ParticipantDeclaration(
            id=TEMPLATE,
            type="agent",
            owner="bench",
            capabilities=["duplicate_detection"],
            data_domains=["customer"],
            liveness=registry_pb2.LIVENESS_UNLEASED,
            cost=1000.0,
        )
        request = registry_pb2.RegisterParticipantRequest(participant=declared)
        api = self._client.api
        await api.ask(api.stubs.registry.RegisterParticipant, request)

    async def close(self) -> None:
        """Leave."""
        await self._client.close()

    async def grow(self, size: int) -> None:
        """Copy until there are ``size``, and wait until the cheapest copy is the best."""
        await self.search()
        span = self._size + 1, size, TEMPLATE
        await self._database.execute(COPIED, *span)
        await self._database.execute(EDGES, *span)
        await self._database.execute("VACUUM ANALYZE registry.participants, registry.edges")
        self._size = size
        best = ""
        while best != f"agent.{size}":
            await asyncio.sleep(0.5)
            best = (await self.search()).candidates[0].participant_id

    async def search(self) -> registry_pb2.DiscoverParticipantsResponse:
        """One search."""
        api = self._client.api
        return await api.ask(api.stubs.registry.DiscoverParticipants, NEED)

    async def searches(self, count: int, at_once: int) -> list[float]:
        """So many searches, so many at once; the seconds of each."""
        left, seconds = iter(range(count)), []

        async def work() -> None:
            for _ in left:
                begun = time.perf_counter()
                found = await self.search()
                seconds.append(time.perf_counter() - begun)
                if len(found.candidates) != PAGE:
                    raise AssertionError(f"a page of {len(found.candidates)}")

        await asyncio.gather(*(work() for _ in range(at_once)))
        return seconds

    async def measured(self, count: int) -> Figures:
        """Search alone, then `AT_ONCE` at once; what a search costs is of the latter."""
        await self.searches(WARM_UP, 1)
        alone = await self.searches(count, 1)
        await self.searches(WARM_UP, AT_ONCE)
        await self._database.execute("SELECT pg_stat_statements_reset()")
        many, before, begun = 4 * count, self._processor_ms(), time.perf_counter()
        await self.searches(many, AT_ONCE)
        took, after = time.perf_counter() - begun, self._processor_ms()
        calls = {row["query"]: row["calls"] for row in await self._database.fetch(ASKED)}
        database = asked(calls)
        spent = {part: (after[part] - before[part]) / many for part in after}
        return Figures(
            participants=self._size,
            p50_ms=round(1000 * percentile(alone, 0.5), 2),
            a_second=round(many / took, 1),
            statements=round(database.statements / many, 2),
            commits=round(database.commits / many, 2),
            processor_ms=round(sum(spent.values()), 2),
            by_process_ms={part: round(value, 2) for part, value in spent.items()},
            largest_ms=round(1000 * max(alone), 2),
        )

    def _processor_ms(self) -> dict[str, float]:
        """The processor time of every part, with what it has started."""
        parts = (*self._runtime.options.services, "postgres", "valkey")
        pids = {part: self._runtime.pid(part) for part in parts}
        return {
            part: sum(map(processor_ms, (pid, *descendants(pid)))) for part, pid in pids.items()
        }


async def run(sizes: Sequence[int], count: int) -> list[Figures]:
    """The figures of each size, in one runtime."""
    async with temporary(LocalRuntime(counting_options({}))) as runtime:
        database = await asyncpg.connect(runtime.admin_url)
        await database.execute("CREATE EXTENSION pg_stat_statements")
        bench, found = Bench(runtime, database), []
        await bench.open()
        try:
            for size in sizes:
                await bench.grow(size)
                found.append(await bench.measured(count))
            return found
        finally:
            await bench.close()
            await database.close()


def table(found: Sequence[Figures]) -> str:
    """The figures for people."""
    columns = ("p50 ms", "a second", "statements", "commits", "processor ms", "longest ms")
    lines = [f"{f'page of {PAGE}, of':<18}" + "".join(f"{column:>14}" for column in columns)]
    for one in found:
        values = (one.p50_ms, one.a_second, one.statements, one.commits, one.processor_ms)
        cells = "".join(f"{value:>14}" for value in (*values, one.largest_ms))
        lines.append(f"{one.participants:<18,}{cells}")
    lines.append(f"p50 is of one at a time, the rest of {AT_ONCE} at once")
    lines.append(f"p50, the most against the fewest: {found[-1].p50_ms / found[0].p50_ms:.2f}")
    lines.append(f"processor ms a search among {found[-1].participants:,}:")
    lines += [f"  {part:<16}{value:>14}" for part, value in found[-1].by_process_ms.items()]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=200, help="alone; four times at once")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="participants, growing")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args()
    found = asyncio.run(run(arguments.sizes, arguments.searches))
    if arguments.json:
        json.dump([asdict(one) for one in found], sys.stdout, indent=2)
    else:
        print(table(found))


if __name__ == "__main__":
    main()
