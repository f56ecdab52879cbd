"""An idle runtime: nobody is connected, nothing is to be done."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from typing import Final

from phoenix_runtime.local.data_folder.files import temporary_folder
from tests.benchmarks.frame.figures import Family, Figure, Run, at_most
from tests.benchmarks.frame.metering import counting_runtime
from tests.benchmarks.frame.processes import processor_ms, proportional, tree
from tests.support.processes.terminal import Terminal, ended

SECONDS: Final = 20
SETTLED: Final = 10.0
"""After a start: leases are seeded, bundles compiled, pools filled."""
MEBIBYTE: Final = 1 << 20


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Statements of one that counts them, then processor time and memory of ``phoenix-dma up``."""
    seconds = run.choose(SECONDS, 5)
    run.say(f"idle: what is asked of the database in {seconds} s")
    async with counting_runtime() as counting:
        _, spent = await counting.measured(lambda: asyncio.sleep(seconds), settle=SETTLED / 2)
        # The pause after it is idle too, and counted.
        yield Figure(
            what="idle runtime",
            value=spent.statements / (seconds + SETTLED / 2),
            unit="statements/s",
            bars=at_most(5),
            steady=True,
        )
    run.say(f"idle: what phoenix-dma up uses in {seconds} s")
    core, memory = await asyncio.to_thread(_up, seconds)
    yield Figure(
        what="idle runtime", value=core, unit="% of a core", bars=at_most(1.5), steady=True
    )
    yield Figure(
        what="idle runtime",
        value=memory / MEBIBYTE,
        unit="MB, proportional",
        bars=at_most(450),
        steady=True,
        note="all processes of phoenix-dma up",
    )


def _up(seconds: float) -> tuple[float, int]:
    """Percent of a core, and bytes, of everything that ``phoenix-dma up`` runs."""
    data = temporary_folder()
    process, _ = Terminal(data).up()
    try:
        time.sleep(SETTLED)
        before = processor_ms(tree(process.pid))
        time.sleep(seconds)
        used = processor_ms(tree(process.pid)) - before
        return used / 10 / seconds, proportional(tree(process.pid))
    finally:
        process.terminate()
        ended(process)
        shutil.rmtree(data)


FAMILY = Family(name="idle", asks="What does a runtime use while nobody asks?", measure=measure)
