"""Handlers by capability, and how each kind of function is run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.aio.work.calls import Ended, awaited, in_thread, is_coroutine_function
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
        return is_coroutine_function(self.function)


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

    async def run(self, handler: Handler, task: AsyncTask) -> Ended:
        """How the handler ended, whatever it raised; raises CancelledError where we are cancelled.

        An asynchronous handler is cancelled when the task is lost. A synchronous one runs in a
        thread, asks its task whether to stop, and is waited for.
        """
        if handler.asynchronous:
            return await _cancellable(handler, task)
        facade = Task(task, asyncio.get_running_loop())
        RUNNING.set(facade)  # in the context of this execution, which the thread inherits
        return await in_thread(f"phoenix-dma-{task.id}", handler.function, facade)


async def _cancellable(handler: Handler, task: AsyncTask) -> Ended:
    running = asyncio.create_task(awaited(handler.function, task))
    task.lease.on_lost(running.cancel)
    if task.lease.ended.is_set():
        running.cancel()
    try:
        ended = await running
    except asyncio.CancelledError:
        running.cancel()
        raise
    us = asyncio.current_task()
    if us is not None and us.cancelling():
        # The handler was cancelled because we are, and said so in its own way.
        raise asyncio.CancelledError
    return ended
