"""``python -m tests.benchmarks``: measures families of rows, and prints them as a table.

Progress goes to stderr, the table to stdout. The exit code is 1 where a family could not be
measured; a bar that is not reached is no error: only an idle machine can tell.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import uvloop
from rich.console import Console
from rich.markup import escape

from tests.benchmarks.catalogue import FAMILIES
from tests.benchmarks.frame.figures import Family, Run
from tests.benchmarks.frame.machine import Machine, machine
from tests.benchmarks.frame.measuring import Measured, measured
from tests.benchmarks.frame.table import markdown, record, table
from tests.benchmarks.peers.programs import missing, version

WIDE = 160
"""Columns of a table that no terminal shows."""


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = [family.name for family in FAMILIES]
    made.add_argument("--only", action="append", choices=names, help="this family; repeatable")
    made.add_argument("--list", action="store_true", help="name the families and measure nothing")
    made.add_argument("--quick", action="store_true", help="short and small: does it all work?")
    made.add_argument("--full", action="store_true", help="the largest sizes too: an hour more")
    made.add_argument("--twins", action="store_true", help="two replicas where crowds are measured")
    made.add_argument("--minutes", type=float, default=30.0, help="of a soak (30)")
    made.add_argument("--bundle", type=Path, help="a policy bundle to compare the shipped one with")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures for programs")
    made.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return made


def chosen(only: list[str] | None) -> list[Family]:
    """The families that are asked for: by name, else all that are measured by default."""
    if only:
        return [family for family in FAMILIES if family.name in only]
    return [family for family in FAMILIES if family.default]


def show_list() -> None:
    """One line a family."""
    for family in FAMILIES:
        alone = "" if family.default else " (only where it is asked for)"
        print(f"{family.name:<12}{family.asks}{alone}")


def show(found: Measured, on: Machine, *, as_markdown: bool) -> None:
    """The table, and what is missing in it."""
    if as_markdown:
        print(f"{on.text}\n\n{markdown(found.figures)}")
    elif found.figures:
        console = Console(width=None if sys.stdout.isatty() else WIDE)
        console.print(table(found.figures, escape(on.text)))
    for line in found.absent:
        print(line)
    for name, why in found.failed.items():
        print(f"{name}: not measured, {why}")


def main() -> int:
    """Measure, print, write."""
    options = parser().parse_args()
    if options.list:
        show_list()
        return 0
    run = Run(
        quick=options.quick,
        full=options.full,
        twins=options.twins,
        minutes=options.minutes,
        bundle=options.bundle,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    families = chosen(options.only)
    peers = dict.fromkeys(peer for family in families for peer in family.peers)
    absent = [line for line in map(missing, peers) if line]
    for line in absent:
        run.say(line)
    on = machine([version(peer) for peer in peers if not missing(peer)])
    found = uvloop.run(measured(families, run, absent))
    show(found, on, as_markdown=options.markdown)
    if options.json is not None:
        said = {
            "machine": on.record,
            "quick": run.quick,
            "figures": [record(figure) for figure in found.figures],
            "absent": found.absent,
            "failed": found.failed,
        }
        options.json.write_text(json.dumps(said, indent=2) + "\n")
    return 1 if found.failed else 0


if __name__ == "__main__":
    sys.exit(main())
