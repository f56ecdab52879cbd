"""The handlers at work: one run a task and epoch."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from phoenix_dma.aio.handlers import Handler, Handlers
from phoenix_dma.aio.hold import Hold
from phoenix_dma.aio.office import Office
from phoenix_dma.aio.outcome import complete, fail, hand_over
from phoenix_dma.aio.reading import Reader
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.briefing import task_info
from phoenix_dma.context import Context
from phoenix_dma.errors import AssignmentLost, HandOff
from phoenix_dma.v1 import assignment_pb2

log = logging.getLogger(__name__)


class Run:
    """A handler at work on a task."""

    def __init__(self, task: AsyncTask, handler: Handler) -> None:
        self.task = task
        self.handler = handler
        self.parked = False
        self.work: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """True once the handler has ended and the house knows, or need not know."""
        return self.work is not None and self.work.done()

    @property
    def held(self) -> bool:
        """True while it works, or is parked until a human has spoken."""
        return not self.task.hold.ended.is_set() and (self.parked or not self.over)


class Runs:
    """The runs of one participant."""

    def __init__(
        self, office: Office, reader: Reader, handlers: Handlers, lease_holds: Callable[[], bool]
    ) -> None:
        self._office = office
        self._reader = reader
        self._handlers = handlers
        self._lease_holds = lease_holds
        self._runs: dict[str, Run] = {}
        self.changed: Callable[[], None] = lambda: None
        self.latency: float | None = None

    def begin(
        self,
        briefing: assignment_pb2.TaskBriefing,
        handler: Handler,
        restored: Context | None = None,
    ) -> Run:
        """Put ``handler`` to work; answers the run that is at it already, where there is one."""
        task_id, epoch = briefing.task.task_id, briefing.task.assignment.epoch
        before = self._runs.get(task_id)
        if before is not None and before.task.epoch == epoch and before.held:
            return before
        if before is not None:
            before.task.hold.lose("taken up again under another epoch")
        hold = Hold(task_id, epoch, self._lease_holds)
        task = AsyncTask(briefing, self._office, hold, reader=self._reader, restored=restored)
        run = Run(task, handler)
        self._runs[task_id] = run
        run.work = asyncio.create_task(self._work(run, before), name=f"task {task_id}")
        self.changed()
        return run

    def find(self, task_id: str) -> Run | None:
        """The run of a task, over or not."""
        return self._runs.get(task_id)

    def active(self) -> list[Run]:
        """The runs whose handler is still at work."""
        return [run for run in self._runs.values() if not run.over]

    def held(self) -> list[Run]:
        """The runs whose task is held: at work, or parked until a human has spoken."""
        return [run for run in self._runs.values() if run.held]

    def stop(self, task_id: str, epoch: int, why: str) -> None:
        """The task was lost under ``epoch``; a newer hold on it stays."""
        run = self._runs.get(task_id)
        if run is not None and (not epoch or run.task.epoch <= epoch):
            run.parked = False
            run.task.hold.lose(why)

    def stop_all(self, why: str) -> None:
        """Every task is lost."""
        for run in self._runs.values():
            run.parked = False
            run.task.hold.lose(why)

    async def _work(self, run: Run, before: Run | None) -> None:
        try:
            if before is not None and before.work is not None:
                # A thread cannot be interrupted: never two handlers on one task in one process.
                await asyncio.gather(before.work, return_exceptions=True)
            await self._handle(run)
        finally:
            asyncio.get_running_loop().call_soon(self._ended, run)

    async def _handle(self, run: Run) -> None:
        task, began = run.task, time.monotonic()
        try:
            task.hold.require()
            result = await self._handlers.run(run.handler, task)
            ended = task_info(await complete(self._office, task, result))
            run.parked = ended.status == "awaiting_approval"
            log.info("%s is %s", task.id, ended.status)
        except AssignmentLost as lost:
            log.warning("%s", lost)
        except HandOff as handing:
            await hand_over(self._office, task, str(handing))
        except asyncio.CancelledError:
            if not task.hold.ended.is_set():
                raise
            log.warning("%s is not held any more: %s", task.id, task.hold.why)
        except Exception as error:  # noqa: BLE001  # whatever a handler raises is its task's failure
            await self._failed(task, error)
        finally:
            self.latency = time.monotonic() - began

    async def _failed(self, task: AsyncTask, error: Exception) -> None:
        if task.hold.lost:
            log.warning("%s is not held any more; its handler ended with %r", task.id, error)
            return
        log.error("the handler of %s failed", task.id, exc_info=error)
        await fail(self._office, task, error)

    def _ended(self, run: Run) -> None:
        if self._runs.get(run.task.id) is run and run.over and not run.parked:
            del self._runs[run.task.id]
        self.changed()
