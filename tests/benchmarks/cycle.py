"""What a task's cycle costs: submitted, bound, started, completed; alone and sixteen at once.

Run with ``python -m tests.benchmarks.cycle``; ``--json`` for programs. Clients use the gateway as
anybody does. Statements, commits and processor time an operation do not depend on what else the
machine does; cycles a second do. Statements are those of the services' own roles and, of their
workers, the claims and marks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import asyncpg

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.profile import read_profile
from phoenix_dma.v1 import assignment_pb2
from phoenix_runtime.local.runtime import LocalRuntime
from tests.robustness.crowds.measures import percentile
from tests.support.processes.process_tree import descendants
from tests.support.servers.statements import asked, counting_options
from tests.support.servers.temporary import temporary

NEED: Final = ["duplicate_detection"]
AT_ONCE: Final = 16
IDLE_SECONDS: Final = 20.0
SETTLE_SECONDS: Final = 2.0
"""How long what follows from the last cycle has: the relay settles, trust is folded."""
ASKED: Final = """
    SELECT query, sum(calls)::bigint AS calls FROM pg_stat_statements AS asked
    JOIN pg_roles AS role ON role.oid = asked.userid
    WHERE role.rolname LIKE 'phoenix_%' AND role.rolname <> 'phoenix_admin' GROUP BY query
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; per cycle, or a second where nothing is asked."""

    name: str
    a_second: float
    p50_ms: float
    statements: float
    commits: float
    processor_ms: float
    by_process_ms: Mapping[str, float]


class Bench:
    """One runtime, an agent that completes whatever it gets, and somebody who submits."""

    def __init__(self, runtime: LocalRuntime, database: asyncpg.Connection[asyncpg.Record]) -> None:
        profile = read_profile(runtime.profile)
        self._runtime = runtime
        self._database = database
        self._submitter = AsyncPhoenixClient(profile=profile)
        self._agent = AsyncPhoenixClient(profile=profile)
        self._handled: dict[str, asyncio.Event] = {}
        self._seconds: list[float] = []

    async def open(self) -> None:
        """Register the agent."""

        @self._agent.task_handler()
        async def handle(task: AsyncTask) -> dict[str, bool]:
            self._event(task.id).set()
            return {"done": True}

        await self._agent.register_participant(
            id="agent.bench",
            type="agent",
            owner="bench",
            capabilities=NEED,
            data_domains=["customer"],
            capacity=4 * AT_ONCE,
        )

    async def close(self) -> None:
        """Leave."""
        await self._agent.close()
        await self._submitter.close()

    async def cycle(self) -> None:
        """One task, until its completion was acknowledged to the agent."""
        begun = time.perf_counter()
        declared = assignment_pb2.TaskDeclaration(
            objective="Measure", required_capabilities=NEED, task_type="bench"
        )
        task = await self._submitter.api.submit(declared)
        await self._event(task.id).wait()
        participant = self._agent.participant
        while participant is not None and participant.executions.find(task.id) is not None:  # noqa: ASYNC110 - nothing tells us of the acknowledgement
            await asyncio.sleep(0.001)
        del self._handled[task.id]
        self._seconds.append(time.perf_counter() - begun)

    async def cycles(self, count: int, at_once: int) -> None:
        """So many cycles, so many of them at once."""
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await self.cycle()

        await asyncio.gather(*(work() for _ in range(at_once)))

    async def measured(
        self, name: str, count: int, work: Callable[[], Awaitable[None]], settle: float
    ) -> Figures:
        """Do ``work``, which is ``count`` operations, and say what each has cost."""
        await asyncio.sleep(settle)
        self._seconds.clear()
        await self._database.execute("SELECT pg_stat_statements_reset()")
        before, begun = self._processor_ms(), time.perf_counter()
        await work()
        took = time.perf_counter() - begun
        await asyncio.sleep(settle)
        after = self._processor_ms()
        calls = {row["query"]: row["calls"] for row in await self._database.fetch(ASKED)}
        spent = {part: (after[part] - before[part]) / count for part in after}
        database = asked(calls)
        return Figures(
            name=name,
            a_second=round(count / took, 1),
            p50_ms=round(1000 * percentile(self._seconds, 0.5), 1) if self._seconds else 0.0,
            statements=round(database.statements / count, 1),
            commits=round(database.commits / count, 1),
            processor_ms=round(sum(spent.values()), 1),
            by_process_ms={part: round(value, 1) for part, value in spent.items()},
        )

    def _event(self, task_id: str) -> asyncio.Event:
        return self._handled.setdefault(task_id, asyncio.Event())

    def _processor_ms(self) -> dict[str, float]:
        """The processor time of every part, with what it has started."""
        parts = (*self._runtime.options.services, "postgres", "valkey")
        return {part: _tree_ms(self._runtime.pid(part)) for part in parts}


def processor_ms(pid: int) -> float:
    """Processor time of a process and of what it has started and waited for, in milliseconds."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return 1000 * sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _tree_ms(pid: int) -> float:
    return sum(map(processor_ms, (pid, *descendants(pid))))


async def run(count: int) -> list[Figures]:
    """Every figure of one runtime."""
    async with temporary(LocalRuntime(counting_options({}))) as runtime:
        database = await asyncpg.connect(runtime.admin_url)
        await database.execute("CREATE EXTENSION pg_stat_statements")
        bench = Bench(runtime, database)
        await bench.open()
        try:
            await bench.cycles(10, 1)
            return [
                await bench.measured(
                    "alone", count, lambda: bench.cycles(count, 1), SETTLE_SECONDS
                ),
                await bench.measured(
                    f"{AT_ONCE} at once",
                    4 * count,
                    lambda: bench.cycles(4 * count, AT_ONCE),
                    SETTLE_SECONDS,
                ),
                await bench.measured(
                    "idle, each second",
                    int(IDLE_SECONDS),
                    lambda: asyncio.sleep(IDLE_SECONDS),
                    0.0,
                ),
            ]
        finally:
            await bench.close()
            await database.close()


def table(found: list[Figures]) -> str:
    """The figures for people."""
    columns = ("a second", "p50 ms", "statements", "commits", "processor ms")
    lines = [f"{'task cycle':<18}" + "".join(f"{column:>14}" for column in columns)]
    for one in found:
        values = (one.a_second, one.p50_ms, one.statements, one.commits, one.processor_ms)
        lines.append(f"{one.name:<18}" + "".join(f"{value:>14}" for value in values))
    busiest = found[1]
    lines.append(f"processor ms a cycle, {busiest.name}:")
    lines += [f"  {part:<16}{value:>14}" for part, value in busiest.by_process_ms.items()]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=100, help="alone; four times as many at once")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args()
    found = asyncio.run(run(arguments.cycles))
    if arguments.json:
        json.dump([asdict(one) for one in found], sys.stdout, indent=2)
    else:
        print(table(found))


if __name__ == "__main__":
    main()
