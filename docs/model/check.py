"""Runs the model: safety, liveness, and each removed guard, which has to fail. See README.md.

``python docs/model/check.py`` takes some minutes and 1 GB; ``--long`` checks two seats each and one
more fault, too; ``--only NO_EPOCH --show`` prints a counter-example. Needs Spin 6.5 and a C
compiler. Exits with 1 where anything is not as expected. Builds outside the tree.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).with_name("membership.pml")
SAFETY = ("-DSAFETY", "-DBFS", "-DNOREDUCE")
LIVENESS = ("-DNFAIR=5", "-DCOLLAPSE", "-DNOREDUCE")
MEMORY = "-DMEMLIM=15000"  # megabytes
ROW = "{:<44} {:<16} {:<16} {:>11} {:>8} {:>6}  {}"
REACHED = (
    "an owner's write of its last term",
    "a target's yes to its last offer",
    "a fenced source retires",
    "two retired, the third works",
    "bound, dead, not seen yet",
    "every seat is taken",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One run. ``claim`` is the liveness claim, empty for safety; ``holds`` what is expected."""

    name: str
    defines: tuple[str, ...] = ()
    claim: str = ""
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Spin said. ``complete`` is False where memory or depth did not suffice."""

    errors: int
    complete: bool
    states: int
    seconds: float
    megabytes: float
    violated: str

    @property
    def word(self) -> str:
        """In one word."""
        if self.errors:
            return "counter-example"
        return "holds" if self.complete else "incomplete"


def checks(*, faults: int, long: bool) -> list[Check]:
    """Everything in the order of the table."""
    live = f"FAULTS={faults}"
    found = [
        Check("safety"),
        Check(f"finally owned, {faults} faults", (live,), "finally_owned"),
        Check(f"finally retired, {faults} faults", (live,), "finally_retired"),
    ]
    if long:
        more = f"FAULTS={faults + 1}"
        found += [
            Check("safety, two seats each", ("CAPACITY=2",)),
            Check(f"finally owned, {faults + 1} faults", (more,), "finally_owned"),
        ]
    guards = ("EPOCH", "BURN", "BASE", "GATE", "OFFER_ID", "SOURCE_GATE")
    found += [Check(f"without {guard}", (f"NO_{guard}",), holds=False) for guard in guards]
    found += [
        Check("without OFFERS", ("NO_OFFERS", "FAULTS=2"), "finally_owned", holds=False),
        Check("without LEAVING", ("NO_LEAVING", "FAULTS=2"), "finally_retired", holds=False),
    ]
    found += [
        Check(f"reached: {what}", (f"REACH={number}",), holds=False)
        for number, what in enumerate(REACHED, start=1)
    ]
    return found


def run(check: Check, folder: Path) -> Outcome:
    """Generate, compile and run the verifier in ``folder``."""
    for old in folder.iterdir():
        old.unlink()
    shutil.copy(MODEL, folder)
    options = LIVENESS if check.claim else SAFETY
    defines = [f"-D{one}" for one in check.defines]
    call([tool("spin"), *defines, "-a", MODEL.name], folder)
    call([tool("gcc"), "-w", "-O2", *options, MEMORY, "-o", "pan", "pan.c"], folder)
    claim = ["-a", "-f", "-m5000000", "-N", check.claim] if check.claim else []
    return outcome_of(call([str(folder / "pan"), *claim], folder))


def outcome_of(said: str) -> Outcome:
    """Read Spin's report."""
    violated = re.search(r"pan:1: (.*?) \(at depth", said)
    return Outcome(
        errors=int(number(r"errors: (\d+)", said)),
        complete="Search not completed" not in said and "max search depth" not in said,
        states=int(number(r"([\d.e+]+) states, stored", said)),
        seconds=number(r"elapsed time ([\d.e+-]+)", said),
        megabytes=number(r"([\d.]+)\s+total actual memory", said),
        violated=violated.group(1).removeprefix("assertion violated ") if violated else "",
    )


def number(pattern: str, said: str) -> float:
    """The number that Spin printed; raises `LookupError` where it printed none."""
    match = re.search(pattern, said)
    if match is None:
        raise LookupError(f"Spin did not say {pattern!r}:\n{said}")
    return float(match.group(1))


def call(command: Sequence[str], folder: Path) -> str:
    """Run a program and answer what it printed; a verifier that finds something exits with 0."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def tool(name: str) -> str:
    """Where a program is; raises `SystemExit` where it is not."""
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not here (Debian: apt-get install spin gcc)")
    return found


def row(check: Check, outcome: Outcome) -> str:
    """One line of the table."""
    return ROW.format(
        check.name,
        "holds" if check.holds else "counter-example",
        outcome.word,
        f"{outcome.states:,}",
        f"{outcome.seconds:.1f}",
        f"{outcome.megabytes:.0f}",
        outcome.violated,
    ).rstrip()


def show(check: Check, folder: Path) -> str:
    """The counter-example that the last run left: what each step changed."""
    defines = [f"-D{one}" for one in check.defines]
    said = call([tool("spin"), *defines, "-t", "-p", "-g", "-w", MODEL.name], folder)
    values: dict[str, str] = {}
    steps: dict[str, dict[str, str]] = {}
    step = "0"
    for line in said.splitlines():
        started = re.match(r"\s*(\d+):\s+proc", line)
        step = started.group(1) if started else step
        value = re.match(r"\s+([\w\[\]]+) = (\w+)$", line)
        if value is not None and values.get(value.group(1), value.group(2)) != value.group(2):
            steps.setdefault(step, {})[value.group(1)] = value.group(2)
        if value is not None:
            values[value.group(1)] = value.group(2)
    changes = (", ".join(f"{k} = {v}" for k, v in changed.items()) for changed in steps.values())
    return "\n".join(f"    {n}. {text}" for n, text in enumerate(changes, start=1))


def main() -> int:
    """Run what was asked for; 1 where anything is not as expected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=3, help="how much goes wrong (liveness)")
    parser.add_argument("--long", action="store_true", help="two seats each, one more fault")
    parser.add_argument("--only", default="", help="names, or macros, that contain this")
    parser.add_argument("--show", action="store_true", help="print counter-examples")
    asked = parser.parse_args()
    wanted = [
        check
        for check in checks(faults=asked.faults, long=asked.long)
        if asked.only in check.name or asked.only in check.defines
    ]
    write = sys.stdout.write
    header = ROW.format("what", "expected", "found", "states", "seconds", "MB", "violated")
    write(header + "\n")
    wrong = 0
    with tempfile.TemporaryDirectory() as made:
        for check in wanted:
            outcome = run(check, Path(made))
            write(row(check, outcome) + "\n")
            sys.stdout.flush()
            wrong += outcome.word != ("holds" if check.holds else "counter-example")
            if asked.show and outcome.errors:
                write(show(check, Path(made)) + "\n")
    write(f"{len(wanted)} checks, {wrong} not as expected\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
