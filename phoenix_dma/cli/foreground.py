"""Runs the local runtime in this process until a signal; imported by ``phoenix-dma up`` alone."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any, Final

from phoenix_dma.cli.output import Output, print_error
from phoenix_dma.cli.policy.overlay_watch import watch_overlay
from phoenix_dma.cli.server import end_failed, show_up
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions

__all__ = ["LocalRuntimeOptions", "run_until_signal"]

INTERRUPTED: Final = 130
"""The exit code of a start that a signal ended."""


class Telling:
    """Says to standard error what goes on; for programs only from the moment when all is up.

    So a start for a program leaves one JSON value there at most: why it failed.
    """

    def __init__(self, output: Output) -> None:
        self.aloud = output is not Output.JSON

    def __call__(self, text: str) -> None:
        """Say it, or nothing."""
        if self.aloud:
            print_error(text)


def run_until_signal(
    options: LocalRuntimeOptions, bundle: Path | None = None, output: Output = Output.TABLE
) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP, or until a part keeps dying; return the exit code.

    ``bundle`` is the folder of a policy overlay that is watched meanwhile.
    """
    return asyncio.run(_run(options, bundle, output))


async def _run(options: LocalRuntimeOptions, bundle: Path | None, output: Output) -> int:
    tell = Telling(output)
    runtime = LocalRuntime(options, tell=tell)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    signalled = asyncio.create_task(stopping.wait())
    starting = asyncio.create_task(runtime.start())
    await asyncio.wait({signalled, starting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return INTERRUPTED
    try:
        record = starting.result()
    except LocalRuntimeError as error:
        return end_failed(error, output)
    show_up(record, runtime.folder, output)
    tell.aloud = True
    watching = _watching(bundle)
    keeping = asyncio.create_task(runtime.keep())
    await asyncio.wait({signalled, keeping}, return_when=asyncio.FIRST_COMPLETED)
    given_up = keeping.result() if keeping.done() else None
    background: set[asyncio.Task[Any]] = {keeping} if watching is None else {keeping, watching}
    for task in background:
        task.cancel()
    await asyncio.wait(background)
    await runtime.stop()
    if given_up is None:
        return 0
    return end_failed(given_up, output)


def _watching(bundle: Path | None) -> asyncio.Task[None] | None:
    """The task that applies the overlay; where it ends by itself, that is said."""
    if bundle is None:
        return None

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            print_error(f"policy {bundle} is not watched any more: {fault!r}")

    watching = asyncio.create_task(watch_overlay(bundle))
    watching.add_done_callback(ended)
    return watching
