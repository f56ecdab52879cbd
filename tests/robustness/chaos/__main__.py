"""``python -m tests.robustness.chaos``: play a plan, print one row a fault, judge."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.robustness.chaos.faults import FAULTS
from tests.robustness.chaos.history import History
from tests.robustness.chaos.plan import plan
from tests.robustness.chaos.play import Outcome, play
from tests.support.processes.breakable_runtime import breakable_runtime
from tests.support.processes.replicated_runtime import replicated_runtime

LONGEST = 1_000
"""Rounds of a plan that time ends."""
COLUMNS = ("fault", "injected", "acknowledged", "lost", "work went on after")


def main() -> int:
    """Exit code 0 where nothing was lost, stuck or wrong."""
    given = _arguments()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10_000)
    file = Path(tempfile.mkdtemp(prefix="phoenix-dma-chaos-")) / f"history-{seed}.jsonl"
    chosen = plan(seed, given.fault or FAULTS, given.rounds or LONGEST)
    seconds = float("inf") if given.rounds else 60.0 * given.minutes
    span = f"{len(chosen)} faults" if given.rounds else f"{given.minutes:g} minutes of faults"
    out = Console(highlight=False)
    out.print(f"seed {seed}: {span}; `--seed {seed}` plays the same plan again\n")
    logging.basicConfig(filename=file.with_suffix(".log"), level=logging.WARNING)
    runtime_with = replicated_runtime if given.twins else breakable_runtime
    playing = play(chosen, History(file), seed, seconds=seconds, runtime_with=runtime_with)
    outcome = asyncio.run(playing)
    out.print(table_of(outcome))
    for line in complaints(outcome):
        out.print(line, markup=False, soft_wrap=True)
    if not outcome.holds:
        out.print(f"\nthe history is in {file}, what agents logged beside it", soft_wrap=True)
        return 1
    count = len(outcome.acknowledged)
    out.print(f"\n{count} acknowledged, nothing lost; `validate` found nothing in any tenant")
    shutil.rmtree(file.parent)
    return 0


def table_of(outcome: Outcome) -> Table:
    """One row a fault: how often, what was acknowledged from then on, lost, until work went on."""
    table = Table(*COLUMNS, box=None, pad_edge=False)
    starts = [one.begun for one in outcome.injected]
    ends = [*starts[1:], float("inf")]
    for name in dict.fromkeys(one.fault for one in outcome.injected):
        spans = [
            span
            for one, span in zip(outcome.injected, zip(starts, ends, strict=True), strict=True)
            if one.fault == name
        ]
        made = sum(any(a <= one.at < b for a, b in spans) for one in outcome.acknowledged)
        lost = sum(any(a <= one.at < b for a, b in spans) for one in outcome.lost)
        waits = [one.went_on for one in outcome.injected if one.fault == name]
        longest = "never" if None in waits else f"{max(w for w in waits if w is not None):.1f} s"
        table.add_row(name, str(len(spans)), str(made), str(lost), longest)
    return table


def complaints(outcome: Outcome) -> Iterator[str]:
    """Everything that should not be, one line each."""
    yield from (f"stuck: {one}" for one in outcome.stuck)
    yield from (f"lost: {one}" for one in outcome.lost)
    yield from (f"wrong: {one}" for one in outcome.findings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the same seed draws the same plan")
    parser.add_argument("--minutes", type=float, default=10.0, help="so long (10), or")
    parser.add_argument("--rounds", type=int, default=0, help="every fault so often")
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), help="only this one")
    parser.add_argument("--twins", action="store_true", help="two replicas of each, by turns")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
