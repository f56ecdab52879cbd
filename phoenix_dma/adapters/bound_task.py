"""The task that a framework works on, callable from the framework's own threads and loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.aio.work.calls import in_thread
from phoenix_dma.aio.work.task_lease import TaskLease
from phoenix_dma.briefing import Authorization, Checkpoint
from phoenix_dma.context import Context
from phoenix_dma.current import RUNNING
from phoenix_dma.effect import Effect
from phoenix_dma.task import Task
from phoenix_dma.v1 import audit_pb2

Found = TypeVar("Found")
BOUND: ContextVar[BoundTask | None] = ContextVar("phoenix_dma_bound_task", default=None)
"""The task that `bound` was entered with, in this thread or coroutine and what they start."""
STATE: Final = "phoenix://state/{task}/{version}"


class BoundTask:
    """A task whose calls may be made in any thread but that of the task's own event loop.

    Frameworks call checkpointers, tools and hooks from threads and loops of their own. Make it in
    the handler: for an `AsyncTask`, that is where the task's loop is known.
    """

    def __init__(self, task: Task | AsyncTask) -> None:
        self.aio = task.aio if isinstance(task, Task) else task
        self._task = task if isinstance(task, Task) else None
        self._loop = None if isinstance(task, Task) else asyncio.get_running_loop()

    @property
    def id(self) -> str:
        """The task's stable identity."""
        return self.aio.id

    @property
    def lease(self) -> TaskLease:
        """Whether the task is still held: ``require()`` raises `AssignmentLost`."""
        return self.aio.lease

    def checkpoint(self, **kinds: Any) -> Checkpoint:
        """Record kinds of the context under the task's epoch; see `AsyncTask.checkpoint`."""
        if self._task is not None:
            return self._task.checkpoint(**kinds)
        return self._wait(self.aio.checkpoint(**kinds))

    def context(self) -> Context:
        """The newest context that is known here."""
        return self._task.context() if self._task is not None else self._wait(self.aio.context())

    def context_at(self, version: int) -> Context:
        """An earlier version of the task's context, which the runtime keeps."""
        ref = STATE.format(task=self.id, version=version)
        if self._task is not None:
            return self._task.load_context(ref)
        return self._wait(self.aio.load(ref))

    def authorize(
        self, kind: str, name: str, *, domain: str, subject: Mapping[str, Any], wait: bool = True
    ) -> Authorization:
        """Ask to act; see `AsyncTask.authorize`."""
        if self._task is not None:
            return self._task.authorize(kind, name, domain=domain, subject=subject, wait=wait)
        asked = self.aio.authorize(kind, name, domain=domain, subject=subject, wait=wait)
        return self._wait(asked)

    def effect(
        self,
        kind: str,
        name: str,
        subject: Mapping[str, Any],
        *,
        domain: str = "",
        idempotent: bool = False,
    ) -> Effect:
        """Do something outside, once: ``with bound_task().effect(…) as effect``; see `Task.effect`.

        Its `Effect.once` calls what it is given in the thread that asks.
        """
        if self._task is not None:
            return self._task.effect(kind, name, subject, domain=domain, idempotent=idempotent)
        made = self.aio.effect(kind, name, subject, domain=domain, idempotent=idempotent)
        return Effect(made, self._wait)

    def lineage(self) -> list[audit_pb2.AuditEvent]:
        """The audit events of the task so far, oldest first."""
        return self._task.lineage() if self._task is not None else self._wait(self.aio.lineage())

    def _wait(self, coroutine: Coroutine[Any, Any, Found]) -> Found:
        loop = self._loop
        if loop is None or _running_loop() is loop:
            coroutine.close()
            raise RuntimeError(
                "this call would wait for the loop that it runs in: use the framework's and the "
                "adapter's asynchronous calls, or a handler that is no `async def`"
            )
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


@contextmanager
def bound(task: Task | AsyncTask) -> Iterator[BoundTask]:
    """Make ``task`` the one that is asked for inside: `bound_task` finds it."""
    made = BoundTask(task)
    token = BOUND.set(made)
    try:
        yield made
    finally:
        BOUND.reset(token)


def bound_task() -> BoundTask:
    """The task of the running handler, inside a framework's threads too.

    Raises RuntimeError where no handler runs, and in an asynchronous one that entered no `bound`.
    """
    found = BOUND.get()
    if found is not None:
        return found
    running = RUNNING.get()
    if isinstance(running, Task):
        return BoundTask(running)
    raise RuntimeError(
        "no task is at work here: call this in a handler, and in an asynchronous handler "
        "inside `with bound(task):`"
    )


async def elsewhere(call: Callable[..., Found], *arguments: Any) -> Found:
    """Await a blocking call, in a thread of its own, which sees the context variables of here.

    A pool would be used up by nodes that wait for a human.
    """
    ended = await in_thread("phoenix-dma-adapter", call, *arguments)
    if ended.error is not None:
        raise ended.error
    found: Found = ended.value
    return found


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
