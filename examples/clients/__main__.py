"""Play one task through agents in several languages: ``make clients``.

    python -m examples.clients [--runtime running|own] [--profile FILE] [language …]

Builds the clients of this folder and checks their vectors. Then an agent begins a task, is killed
(SIGKILL) in the middle, and an agent in another language takes over from its checkpoint and is
killed in turn, until the last one completes it; `phoenix-dma audit verify` judges what is left.
A language that this machine cannot build is skipped with one line.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from examples.clients import runtimes
from examples.clients.agents import PlayBroken
from examples.clients.languages import Language, NotBuilt, UnknownLanguage, named
from examples.clients.play import document, play
from examples.clients.runtimes import NotUsable, Runtime
from phoenix_dma import PhoenixError, declare
from phoenix_dma.profile import profile_path
from phoenix_runtime.local.errors import LocalRuntimeError

BROKEN: Final = 1
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130


def order(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for; a wrong one ends the program with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="make clients",
        usage='make clients [ARGS="[--runtime running|own] [--profile FILE] [language …]"]',
        description="Play one task through agents in several languages, each killed in its turn.",
        epilog="Exit codes: 0 played, or skipped what this machine lacks; 1 a build or the play "
        "failed; 2 a wrong command line; 3 no runtime that runs can be used.",
    )
    parser.add_argument("languages", nargs="*", metavar="language", help="Only these; else all.")
    parser.add_argument(
        "--runtime",
        choices=("running", "own"),
        help="The runtime that runs already, or one of the play's own in a temporary folder; "
        "without it the one that runs where it can be used, else an own one.",
    )
    parser.add_argument(
        "--profile",
        type=Path,
        help="The profile of the runtime that runs; $PHOENIX_DMA_PROFILE or the user's where not "
        "given. Implies --runtime running.",
    )
    found = parser.parse_args(arguments)
    if found.profile and found.runtime == "own":
        parser.error("--profile names a runtime that runs, --runtime own asks for another one")
    try:
        found.languages = named(found.languages)
    except UnknownLanguage as unknown:
        parser.error(str(unknown))
    return found


async def chosen(asked: argparse.Namespace) -> Runtime | None:
    """The runtime that runs and is played on, None for one of the play's own; says which.

    Raises `NotUsable` where one that runs was asked for.
    """
    if asked.runtime == "own":
        print("runtime: one of its own, as asked for")
        return None
    try:
        profile = asked.profile or profile_path()
        found = await runtimes.running(profile, declare.task(document(turns=1)))
    except NotUsable as reason:
        if asked.runtime or asked.profile:
            raise
        print(f"runtime: one of its own; {reason}")
        return None
    print(f"runtime: the one that runs (profile {profile})")
    return found


def buildable(wanted: Sequence[Language]) -> list[Language]:
    """The languages that this machine has the tools of; says what the others lack."""
    found = []
    for language in wanted:
        skipped = language.skipped()
        if skipped:
            print(skipped)
        else:
            found.append(language)
    return found


async def built(languages: Sequence[Language]) -> tuple[list[Language], list[NotBuilt]]:
    """Build; answer what can be played, and why the rest cannot."""
    found, failed = [], []
    for language in languages:
        print(f"{language.name}: building")
        begun = time.monotonic()
        try:
            await language.build()
        except NotBuilt as error:
            failed.append(error)
            print(f"{language.name}: not built; the end says why")
        else:
            found.append(language)
            print(f"{language.name}: built in {time.monotonic() - begun:.0f} s")
    return found, failed


async def work(asked: argparse.Namespace) -> int:
    """Build and play; answers the exit code."""
    languages = buildable(asked.languages)
    if not languages:
        print("clients: skipped, nothing that was asked for can be built here")
        return 0
    runtime = await chosen(asked)
    languages, failed = await built(languages)
    if languages:
        begun = time.monotonic()
        async with nullcontext(runtime) if runtime else runtimes.own() as place:
            await play(languages, place)
        names = ", ".join(one.name for one in languages)
        print(f"played {names} in {time.monotonic() - begun:.0f} s")
    for error in failed:
        print(f"clients: {error}", file=sys.stderr)
    return BROKEN if failed else 0


async def main(arguments: Sequence[str]) -> int:
    """Do what is asked for; Ctrl-C and SIGTERM end everything that was started."""
    working = asyncio.create_task(work(order(arguments)))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    try:
        return await working
    except asyncio.CancelledError:
        return INTERRUPTED
    except NotUsable as reason:
        print(
            f"clients: no runtime to play on: {reason}; `phoenix-dma up` starts one",
            file=sys.stderr,
        )
        return UNREACHABLE
    except (PlayBroken, PhoenixError, LocalRuntimeError, TimeoutError) as broken:
        print(f"clients: {broken}", file=sys.stderr)
        return BROKEN


if __name__ == "__main__":
    # Line by line, also where the output is a file.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.exit(asyncio.run(main(sys.argv[1:])))
