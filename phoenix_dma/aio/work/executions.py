"""Executes tasks: one execution for each task and epoch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.aio.work.context_reader import ContextReader
from phoenix_dma.aio.work.failure import message_of, said_by, unwrapped
from phoenix_dma.aio.work.handlers import Handler, Handlers
from phoenix_dma.aio.work.outcome import complete, fail, hand_over
from phoenix_dma.aio.work.overtaking import OvertakingDirectives
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.aio.work.task_lease import TaskLease
from phoenix_dma.briefing import task_info
from phoenix_dma.context import Context
from phoenix_dma.errors import AssignmentLost, HandOff
from phoenix_dma.log import EventLog
from phoenix_dma.v1 import assignment_pb2

log = EventLog(__name__)


class Execution:
    """A handler that works on a task under one epoch."""

    def __init__(self, task: AsyncTask, handler: Handler) -> None:
        self.task = task
        self.handler = handler
        self.parked = False
        """True while the completion waits for a human."""
        self.answered = asyncio.Event()
        """Clear while the answer to the completion is on its way."""
        self.answered.set()
        self.job: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """True once the handler has ended and its outcome was reported, or need not be."""
        return self.job is not None and self.job.done()

    @property
    def held(self) -> bool:
        """True while the handler runs, or the completion waits for a human."""
        return not self.task.lease.ended.is_set() and (self.parked or not self.over)


class Executions:
    """The executions of one participant, at most one a task.

    ``lease_holds`` tells whether the participant's lease stands.
    """

    def __init__(
        self,
        session: ParticipantSession,
        reader: ContextReader,
        handlers: Handlers,
        lease_holds: Callable[[], bool],
    ) -> None:
        self._session = session
        self._reader = reader
        self._handlers = handlers
        self._lease_holds = lease_holds
        self._by_task: dict[str, Execution] = {}
        self._overtaking = OvertakingDirectives()
        self.changed: Callable[[], None] = lambda: None
        """Called when an execution begins or ends."""
        self.latency: float | None = None
        """Seconds that the last handler took."""

    def begin(
        self,
        briefing: assignment_pb2.TaskBriefing,
        handler: Handler,
        restored: Context | None = None,
    ) -> None:
        """Start ``handler``, unless it works under the same epoch or the task was lost meanwhile.

        ``restored`` is the context where it was read before, as a handoff does.
        """
        task_id, epoch = briefing.task.task_id, briefing.task.assignment.epoch
        before = self._by_task.get(task_id)
        if before is not None and before.task.epoch == epoch and before.held:
            return
        if self._overtaking.is_stopped(task_id, epoch):
            log.info("task_lost", task=task_id, reason="it was stopped before it began")
            return
        if before is not None:
            before.task.lease.lose("it is started again under another epoch")
        lease = TaskLease(task_id, epoch, self._lease_holds)
        task = AsyncTask(briefing, self._session, lease, reader=self._reader, restored=restored)
        if self._overtaking.wants_checkpoint(task_id, epoch):
            lease.checkpoint_wanted.set()
        execution = Execution(task, handler)
        self._by_task[task_id] = execution
        execution.job = asyncio.create_task(self._run(execution, before), name=f"task {task_id}")
        self.changed()

    def find(self, task_id: str) -> Execution | None:
        """The execution of a task, over or not."""
        return self._by_task.get(task_id)

    def active(self) -> list[Execution]:
        """The executions whose handler still runs."""
        return [execution for execution in self._by_task.values() if not execution.over]

    def held(self) -> list[Execution]:
        """The executions whose task is held: running, or waiting for a human."""
        return [execution for execution in self._by_task.values() if execution.held]

    def directed_to_stop(self, task_id: str, epoch: int, reason: str) -> None:
        """Carry STOP_TASK out: as `stop`, and nothing begins under ``epoch`` or an older one."""
        self._overtaking.stop(task_id, epoch)
        self.stop(task_id, epoch, reason)

    def directed_to_checkpoint(self, task_id: str, epoch: int) -> None:
        """Carry CHECKPOINT_TASK out: the handler is told, or will be when it begins."""
        execution = self._by_task.get(task_id)
        if execution is not None and execution.task.epoch >= epoch:
            execution.task.lease.checkpoint_wanted.set()
        else:
            self._overtaking.checkpoint(task_id, epoch)

    def stop(self, task_id: str, epoch: int, reason: str) -> None:
        """Stop the execution of a task that was lost under ``epoch``; one of a newer epoch stays.

        Epoch 0 stands for every epoch.
        """
        execution = self._by_task.get(task_id)
        if execution is not None and (not epoch or execution.task.epoch <= epoch):
            execution.parked = False
            execution.task.lease.lose(reason)

    def stop_all(self, reason: str) -> None:
        """Stop every execution: all tasks are lost."""
        for execution in self._by_task.values():
            execution.parked = False
            execution.task.lease.lose(reason)

    async def _run(self, execution: Execution, before: Execution | None) -> None:
        try:
            if before is not None and before.job is not None:
                # A thread cannot be interrupted: never two handlers on one task in one process.
                await asyncio.gather(before.job, return_exceptions=True)
            await self._handle(execution)
        finally:
            asyncio.get_running_loop().call_soon(self._ended, execution)

    async def _handle(self, execution: Execution) -> None:
        task, began = execution.task, time.monotonic()
        try:
            await task.lease.settled()
            task.lease.require()
            ended = await self._handlers.run(execution.handler, task)
            error = ended.error
            if error is None:
                error = await self._completed(execution, ended.value)
            if error is not None:
                await self._failed(task, unwrapped(error))
        except AssignmentLost as lost:
            log.warning("task_lost", task=task.id, error=lost)
        except Exception as mistake:
            log.exception("task_end_unclear", task=task.id)
            await fail(self._session, task, mistake)
        finally:
            self.latency = time.monotonic() - began

    async def _completed(self, execution: Execution, result: Any) -> BaseException | None:
        """Complete the task; answer why that was refused."""
        task = execution.task
        execution.answered.clear()
        try:
            ended = task_info(await complete(self._session, task, result))
            execution.parked = ended.status == "awaiting_approval"
        except Exception as refused:  # noqa: BLE001  # whatever it is, the task must not stay
            return refused
        finally:
            execution.answered.set()
        log.info("task_ended", task=task.id, status=ended.status)
        return None

    async def _failed(self, task: AsyncTask, error: BaseException) -> None:
        """Report the end of a handler that completed nothing, unless the task is lost."""
        await task.lease.settled()
        if task.lease.lost:
            said = message_of(error)
            log.warning("task_lost", task=task.id, reason=task.lease.reason, handler=said)
        elif isinstance(error, HandOff):
            await hand_over(self._session, task, said_by(error))
        else:
            log.failure("handler_failed", error, task=task.id)
            await fail(self._session, task, error)

    def _ended(self, execution: Execution) -> None:
        task_id = execution.task.id
        if self._by_task.get(task_id) is execution and execution.over and not execution.parked:
            del self._by_task[task_id]
        self.changed()
