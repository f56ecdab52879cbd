"""Runs the local runtime in this process until a signal; imported by ``phoenix-dma up`` alone."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

import typer

from phoenix_dma.cli.output import (
    REFUSED,
    print_error,
    say,
)
from phoenix_dma.cli.server import show_addresses
from phoenix_runtime.local import policy_engine
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions

__all__ = ["LocalRuntimeOptions", "ensure_policy_engine", "run_until_signal"]

INTERRUPTED: Final = 130
"""The exit code of a start that a signal ended."""


def ensure_policy_engine(options: LocalRuntimeOptions) -> None:
    """Install the embedded policy engine where it is missing and no OPA is named instead."""
    if options.opa_url is not None or policy_engine.is_installed():
        return
    say("installing the embedded policy engine (once)")
    try:
        policy_engine.install()
    except LocalRuntimeError as error:
        print_error(str(error))
        raise typer.Exit(REFUSED) from error


def run_until_signal(options: LocalRuntimeOptions) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP, or until a part dies; return the exit code."""
    return asyncio.run(_run(LocalRuntime(options)))


async def _run(runtime: LocalRuntime) -> int:
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
        print_error(str(error))
        return REFUSED
    show_addresses(record, runtime.folder)
    dying = asyncio.create_task(runtime.until_death())
    await asyncio.wait({signalled, dying}, return_when=asyncio.FIRST_COMPLETED)
    death = dying.result() if dying.done() else None
    await runtime.stop()
    if death is None:
        return 0
    print_error(str(death))
    return REFUSED
