"""Handlers by capability, and how each kind of function is run."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeVar

from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.current import RUNNING
from phoenix_dma.task import Task

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Handler:
    """A function for tasks that require ``capability``; any task where that is empty."""

    capability: str
    function: Callable[..., Any]

    @property
    def asynchronous(self) -> bool:
        """True for a coroutine function, which is cancelled when its task is lost."""
        return inspect.iscoroutinefunction(self.function)


def check_capability(capability: object) -> None:
    """Raise TypeError for what is no capability's name: a decorator without its parentheses."""
    if not isinstance(capability, str):
        raise TypeError(
            f"a handler's capability is its name, not {capability!r}: "
            'write @client.task_handler("…"), or @client.task_handler() for any task'
        )


class Handlers:
    """The handlers of one participant."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def __len__(self) -> int:
        return len(self._handlers)

    @property
    def capabilities(self) -> frozenset[str]:
        """The capabilities that have one; the empty text stands for a handler for any."""
        return frozenset(self._handlers)

    def add(self, capability: str, function: Function) -> Function:
        """Register; raises ValueError where the capability has a handler already."""
        if capability in self._handlers:
            raise ValueError(f"there is a handler for {capability or 'any capability'} already")
        self._handlers[capability] = Handler(capability, function)
        return function

    def find(self, required: Iterable[str]) -> Handler | None:
        """The handler of the first required capability that has one, else the one for any."""
        for capability in required:
            if capability in self._handlers:
                return self._handlers[capability]
        return self._handlers.get("")

    async def run(self, handler: Handler, task: AsyncTask) -> Any:
        """What the handler returns.

        An asynchronous handler is cancelled when the task is lost. A synchronous one runs in a
        thread, asks its task whether to stop, and is waited for.
        """
        if handler.asynchronous:
            return await self._cancellable(handler, task)
        return await _in_thread(handler.function, Task(task, asyncio.get_running_loop()))

    async def _cancellable(self, handler: Handler, task: AsyncTask) -> Any:
        running = asyncio.ensure_future(handler.function(task))
        task.lease.on_lost(running.cancel)
        if task.lease.ended.is_set():
            running.cancel()
        try:
            return await running
        except asyncio.CancelledError:
            running.cancel()
            raise


async def _in_thread(function: Callable[[Task], Any], task: Task) -> Any:
    # A thread of its own: thread pools refuse work once the interpreter shuts down, and where the
    # end of the script could not be watched that is when a participant begins to work.
    done: Future[Any] = Future()

    def work() -> None:
        RUNNING.set(task)
        try:
            done.set_result(function(task))
        except BaseException as error:  # noqa: BLE001  # raised again by whoever awaits
            done.set_exception(error)

    name = f"phoenix-dma-{task.id}"
    Thread(target=contextvars.copy_context().run, args=(work,), name=name, daemon=True).start()
    return await asyncio.shield(asyncio.wrap_future(done))
