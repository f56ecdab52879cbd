"""Carries directives out, each once, and acknowledges them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar

from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.aio.rpc.transport import is_unreachable
from phoenix_dma.aio.work.context_reader import ContextReader
from phoenix_dma.aio.work.executions import Execution, Executions
from phoenix_dma.aio.work.handlers import Handler, Handlers
from phoenix_dma.aio.work.handoff_receiver import HandoffReceiver
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.errors import PhoenixError
from phoenix_dma.log import EventLog
from phoenix_dma.v1 import assignment_pb2, session_pb2
from phoenix_dma.v1.session_pb2 import Directive
from phoenix_dma.wire.conversions import short
from phoenix_dma.wire.reported_text import reported

log = EventLog(__name__)
REMEMBERED: Final = 4096
LONGEST_ERROR: Final = 1000
HANDLER_SECONDS: Final = 10.0
"""How long a task waits for a handler that the program may still register."""
POLL_SECONDS: Final = 0.05

Answer = TypeVar("Answer")


class DirectiveHandler:
    """Carries out the directives of one participant."""

    def __init__(
        self,
        session: ParticipantSession,
        handlers: Handlers,
        executions: Executions,
        reader: ContextReader,
    ) -> None:
        self._session = session
        self._handlers = handlers
        self._executions = executions
        self._receiver = HandoffReceiver(session, reader)
        self._done: OrderedDict[str, str] = OrderedDict()
        self._doing: set[str] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self.draining = False
        self.ready: Callable[[], bool] = lambda: True
        """True once no more handlers will be registered; until then tasks wait for theirs."""
        self.generation: Callable[[], int] = lambda: 0
        self.on_drain: Callable[[], None] = lambda: None
        self.on_register_again: Callable[[], None] = lambda: None

    def handle(self, directive: Directive, acknowledge: Callable[[str, str], None]) -> None:
        """Carry a directive out in the background; a repeated delivery is only acknowledged."""
        known = directive.directive_id
        if known in self._done:
            acknowledge(known, self._done[known])
        elif known not in self._doing:
            self._doing.add(known)
            job = asyncio.create_task(self._carry_out(directive, acknowledge))
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)

    async def resume(self, generation: int) -> None:
        """Start what this participant holds, after it returned; stop what it holds no more."""
        # Only what was held before the call is stopped: a task that is bound and started while the
        # answer is on its way is missing in it.
        before = self._executions.held()
        held: set[str] = set()
        async for page in self._pages(generation):
            held.update(briefing.task.task_id for briefing in page.briefings)
            if not page.next_page_token:
                self._stop_all(execution for execution in before if execution.task.id not in held)
            for briefing in page.briefings:
                try:
                    await self._resume_one(briefing)
                except PhoenixError as refused:
                    log.warning("task_not_resumed", task=briefing.task.task_id, error=refused)

    async def _pages(self, generation: int) -> AsyncIterator[assignment_pb2.ResumeTasksResponse]:
        """What this participant holds, page by page: their inputs do not fit into one answer."""
        method = self._session.stubs.assignment.ResumeTasks
        token = ""
        while True:
            request = assignment_pb2.ResumeTasksRequest(generation=generation, page_token=token)
            page = await _ask_until_reachable(partial(self._session.ask, method, request))
            yield page
            token = page.next_page_token
            if not token:
                return

    def _stop_all(self, lost: Iterable[Execution]) -> None:
        for execution in lost:
            self._executions.stop(
                execution.task.id, execution.task.epoch, "it was given to another participant"
            )

    async def close(self) -> None:
        """End what is still being carried out."""
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def _carry_out(
        self, directive: Directive, acknowledge: Callable[[str, str], None]
    ) -> None:
        name = short(session_pb2.DirectiveAction, directive.action)
        log.info("directive_received", action=name, task=directive.task_id)
        try:
            error = await _ask_until_reachable(lambda: self._perform(name, directive))
        except PhoenixError as refused:
            # The task was cancelled, or the offer lapsed, in the meantime: there is nothing to do.
            log.warning("directive_refused", action=name, task=directive.task_id, error=refused)
            error = f"{refused.reason}: {refused.text}"
        except Exception as failure:
            # Unanswered, it would come and fail again.
            log.exception("directive_failed", action=name, task=directive.task_id)
            error = reported(f"{type(failure).__name__}: {failure}", LONGEST_ERROR)
        finally:
            self._doing.discard(directive.directive_id)
        self._done[directive.directive_id] = error
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        acknowledge(directive.directive_id, error)

    async def _perform(self, name: str, directive: Directive) -> str:
        """Return why the directive is refused; the empty text where it was carried out."""
        actions: dict[str, Callable[[Directive], Awaitable[str]]] = {
            "start_task": self._start,
            "stop_task": self._stop,
            "checkpoint_task": self._checkpoint,
            "receive_handoff": self._receive,
            "approval_decided": self._approved,
            "drain": self._drain,
            "register_again": self._register,
        }
        action = actions.get(name)
        return await action(directive) if action else f"{name or 'the action'} is not known here"

    async def _start(self, directive: Directive) -> str:
        execution = self._executions.find(directive.task_id)
        if execution is not None and execution.task.epoch >= directive.epoch:
            return ""
        # Chosen first: a task without a handler is declined, which is too late after StartTask.
        handler = await self._handler(await self._required(directive))
        if handler is None:
            await self._decline(directive)
            return ""
        starting = assignment_pb2.StartTaskRequest(task_id=directive.task_id, epoch=directive.epoch)
        answer = await self._session.ask(self._session.stubs.assignment.StartTask, starting)
        self._executions.begin(answer.briefing, handler)
        return ""

    async def _required(self, directive: Directive) -> Sequence[str]:
        """What the task requires, which an older runtime does not say in the directive."""
        if directive.required_capabilities:
            return directive.required_capabilities
        request = assignment_pb2.GetTaskRequest(task_id=directive.task_id)
        answer = await self._session.ask(self._session.stubs.assignment.GetTask, request)
        return answer.task.required_capabilities

    async def _decline(self, directive: Directive) -> None:
        reason = "it is draining" if self.draining else "it has no handler for the capabilities"
        request = assignment_pb2.DeclineTaskRequest(
            task_id=directive.task_id, epoch=directive.epoch, reason=reason
        )
        await self._session.ask(self._session.stubs.assignment.DeclineTask, request)

    async def _stop(self, directive: Directive) -> str:
        reason = directive.facts.get("reason", "") or "it was given to another participant"
        self._executions.directed_to_stop(directive.task_id, directive.epoch, reason)
        return ""

    async def _checkpoint(self, directive: Directive) -> str:
        self._executions.directed_to_checkpoint(directive.task_id, directive.epoch)
        return ""

    async def _receive(self, directive: Directive) -> str:
        handler = None
        request = assignment_pb2.GetTaskRequest(task_id=directive.task_id)
        task = (await self._session.ask(self._session.stubs.assignment.GetTask, request)).task
        if not self.draining:
            handler = await self._handler(task.required_capabilities)
        received = await self._receiver.receive(directive, task, able=handler is not None)
        if received is not None and handler is not None:
            self._executions.begin(received.briefing, handler, received.context)
        return ""

    async def _approved(self, directive: Directive) -> str:
        self._session.decisions.decided(directive.facts.get("approval_id", ""))
        execution = self._executions.find(directive.task_id)
        if execution is not None:
            await execution.answered.wait()  # the decision can be here before the answer
            if execution.parked:
                await self._unpark(directive.task_id)
        return ""

    async def _unpark(self, task_id: str) -> None:
        """After the decision on a completion: end, or resume with what the human decided."""
        request = assignment_pb2.GetTaskRequest(task_id=task_id)
        task = (await self._session.ask(self._session.stubs.assignment.GetTask, request)).task
        execution = self._executions.find(task_id)
        if execution is None or task.status == assignment_pb2.TASK_STATUS_AWAITING_APPROVAL:
            return
        execution.parked = False
        self._executions.stop(task_id, execution.task.epoch, "its completion was decided")
        if task.status == assignment_pb2.TASK_STATUS_ACTIVE:
            await self.resume(self.generation())

    async def _drain(self, directive: Directive) -> str:
        del directive
        self.draining = True
        self.on_drain()
        return ""

    async def _register(self, directive: Directive) -> str:
        del directive
        self.on_register_again()
        return ""

    async def _resume_one(self, briefing: assignment_pb2.TaskBriefing) -> None:
        """Start one resumed task, unless it waits for a human."""
        task = briefing.task
        if task.status not in {
            assignment_pb2.TASK_STATUS_ASSIGNED,
            assignment_pb2.TASK_STATUS_ACTIVE,
        }:
            return
        handler = await self._handler(task.required_capabilities)
        if handler is None:
            log.warning("task_without_handler", task=task.task_id)
            return
        if task.status == assignment_pb2.TASK_STATUS_ASSIGNED:
            epoch = task.assignment.epoch
            request = assignment_pb2.StartTaskRequest(task_id=task.task_id, epoch=epoch)
            method = self._session.stubs.assignment.StartTask
            briefing = (
                await _ask_until_reachable(lambda: self._session.ask(method, request))
            ).briefing
        self._executions.begin(briefing, handler)

    async def _handler(self, required: Sequence[str]) -> Handler | None:
        """The handler for what a task requires; waits while the program may still register one."""
        waited = 0.0
        while not self.draining:
            found = self._handlers.find(required)
            if found is not None or (self.ready() or waited >= HANDLER_SECONDS):
                return found
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        return None


async def _ask_until_reachable(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call until the runtime can be reached; any other refusal is raised."""
    backoff = Backoff(0.2, 5.0)
    while True:
        try:
            return await ask()
        except PhoenixError as error:
            if not is_unreachable(error):
                raise
            log.info("directive_delayed", error=error)
        await asyncio.sleep(backoff.next())
