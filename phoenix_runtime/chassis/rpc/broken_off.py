"""Tells what broke a call off, and passes by itself, from a fault of this program."""

import asyncio

from grpc.aio import UsageError

from phoenix_runtime.core.errors import Unavailable


def broken_off(error: BaseException) -> Unavailable | None:
    """The refusal for a time-out, a lost connection, a peer that stops; None for all else."""
    return Unavailable("The runtime broke the call off; try again") if _passes(error) else None


def _passes(error: BaseException) -> bool:
    if isinstance(error, asyncio.CancelledError):
        # The caller's end cancels the task that serves it, and needs no answer. Else something that
        # it waited for was cancelled, and gRPC would answer nothing at all.
        task = asyncio.current_task()
        return task is not None and not task.cancelling()
    if isinstance(error, UsageError):
        return "Channel is clos" in str(error)  # to a peer: this process is stopping
    return isinstance(error, TimeoutError | ConnectionError)
