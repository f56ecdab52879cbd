"""A task's calls, awaited in whatever event loop a framework runs its hooks in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar, Unpack

from phoenix_dma.adapters.bound_task import elsewhere
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.briefing import Authorization, Checkpoint
from phoenix_dma.portable import Changes, PortableContext, aread, arecord, read, record
from phoenix_dma.task import Task

Found = TypeVar("Found")


class TaskCalls:
    """One face of a `Task` and an `AsyncTask`. Make it in the handler, in the handler's loop.

    A `Task` is called in a thread of its own, not in a pool's: a pool would be used up by calls
    that wait for a human. An `AsyncTask` belongs to the loop of its client, where it is called.
    """

    def __init__(self, task: Task | AsyncTask) -> None:
        self.task = task
        self._loop = asyncio.get_running_loop() if isinstance(task, AsyncTask) else None

    async def authorize(
        self, kind: str, name: str, *, domain: str, subject: Mapping[str, Any], wait: bool
    ) -> Authorization:
        """As `AsyncTask.authorize`, and with what it raises."""
        if isinstance(self.task, Task):
            ask = partial(self.task.authorize, domain=domain, subject=subject, wait=wait)
            return await elsewhere(ask, kind, name)
        return await self._in_loop(
            self.task.authorize(kind, name, domain=domain, subject=subject, wait=wait)
        )

    async def read(self) -> PortableContext | None:
        """The task's portable context; see `phoenix_dma.portable.read`."""
        if isinstance(self.task, Task):
            return await elsewhere(read, self.task)
        return await self._in_loop(aread(self.task))

    async def record(self, **changes: Unpack[Changes]) -> Checkpoint:
        """Checkpoint changes of it; see `phoenix_dma.portable.record`."""
        if isinstance(self.task, Task):
            return await elsewhere(partial(record, self.task, **changes))
        return await self._in_loop(arecord(self.task, **changes))

    async def _in_loop(self, call: Coroutine[Any, Any, Found]) -> Found:
        if self._loop is None or self._loop is asyncio.get_running_loop():
            return await call
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._loop))
