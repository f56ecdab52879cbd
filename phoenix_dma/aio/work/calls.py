"""Calls functions of the program; whatever they raise comes back as a value.

An event loop cannot carry every exception: SystemExit and KeyboardInterrupt end the loop itself, a
StopIteration cannot be set on a future, and a CancelledError looks like a cancellation by whoever
awaits. So none of them passes through one.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Final

from phoenix_dma.errors import TaskFailure

WATCH_SECONDS: Final = 1.0
"""How soon a thread that died without a word is noticed."""
THREADS: Final = Path("/proc/self/task")
"""Where Linux lists the threads of this process."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a function of the program ended: with a value, or with what it raised."""

    value: Any = None
    error: BaseException | None = None


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """True for ``async def``, partials of it, and objects that are called by ``async def``."""
    called = type(function).__call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


async def awaited(function: Callable[..., Any], *arguments: Any) -> Ended:
    """Call a coroutine function and wait for its end, a cancellation included."""
    if mistake := _generator_mistake(function):
        return Ended(error=mistake)
    try:
        return Ended(await function(*arguments))
    except BaseException as error:  # that is the point
        if _is_ctrl_c(error):
            raise
        return Ended(error=error)


async def in_thread(name: str, function: Callable[..., Any], *arguments: Any) -> Ended:
    """Call a function in a thread of its own, and wait for its end, or the thread's.

    The thread sees the caller's context variables. Pools refuse work once the interpreter shuts
    down, and where the end of the script could not be watched that is when a participant begins to
    work.
    """
    if mistake := _generator_mistake(function):
        return Ended(error=mistake)
    done: Future[Ended] = Future()

    def work() -> None:
        ended = Ended(error=RuntimeError("the thread was ended from outside"))
        try:
            ended = _checked(function(*arguments))
        except BaseException as error:  # noqa: BLE001  # that is the point
            ended = Ended(error=error)
        finally:
            done.set_result(ended)

    thread = Thread(target=contextvars.copy_context().run, args=(work,), name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # the system has no thread left
        return Ended(error=error)
    return await _end_of(thread, done)


async def _end_of(thread: Thread, done: Future[Ended]) -> Ended:
    waiting = asyncio.wrap_future(done)
    while not waiting.done():
        alive = _is_alive(thread)
        await asyncio.wait({waiting}, timeout=WATCH_SECONDS)
        if not alive and not done.done():
            return Ended(error=RuntimeError("the handler's thread died without a word"))
    return waiting.result()


def _is_alive(thread: Thread) -> bool:
    """Whether the thread can still end by itself; Python alone does not see one that C ended."""
    if not thread.is_alive() or not THREADS.exists():
        return thread.is_alive()
    return (THREADS / str(thread.native_id)).exists()


def _checked(value: Any) -> Ended:
    """The end of a function that returned; a coroutine that it made would run nowhere."""
    if not inspect.iscoroutine(value):
        return Ended(value)
    value.close()
    return Ended(
        error=TaskFailure(
            "the handler returned a coroutine, which nobody awaits: register the `async def` "
            "itself, or have its wrapper be `async def` too"
        )
    )


def _generator_mistake(function: Callable[..., Any]) -> TaskFailure | None:
    """What to say of a generator function, which does nothing when it is called."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return TaskFailure(
            "the handler is a generator function: it contains `yield`, so that calling it runs "
            "nothing; return the result instead, and use checkpoint for what comes before"
        )
    return None


def _is_ctrl_c(error: BaseException) -> bool:
    """Whether a person interrupts the program here, and not the function itself.

    Python raises KeyboardInterrupt wherever the main thread happens to be, unless somebody handles
    the signal, as `asyncio.run` and the keeper of a `PhoenixClient` do.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
