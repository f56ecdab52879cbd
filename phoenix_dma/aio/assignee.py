"""The assignee: carries directives out, each once, and answers what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from phoenix_dma.aio.backoff import Backoff
from phoenix_dma.aio.handlers import Handler, Handlers
from phoenix_dma.aio.office import Office
from phoenix_dma.aio.reading import Reader
from phoenix_dma.aio.reception import receive
from phoenix_dma.aio.runs import Runs
from phoenix_dma.aio.transport import is_away
from phoenix_dma.errors import PhoenixError
from phoenix_dma.plain import short
from phoenix_dma.v1 import assignment_pb2, session_pb2
from phoenix_dma.v1.session_pb2 import Directive

log = logging.getLogger(__name__)
REMEMBERED: Final = 4096
HOLD_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05

Answer = TypeVar("Answer")


class Assignee:
    """The part of a participant that works."""

    def __init__(self, office: Office, handlers: Handlers, runs: Runs, reader: Reader) -> None:
        self._office = office
        self._handlers = handlers
        self._runs = runs
        self._reader = reader
        self._done: OrderedDict[str, str] = OrderedDict()
        self._doing: set[str] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self.draining = False
        self.ready: Callable[[], bool] = lambda: True
        """True once no more handlers will be registered; until then tasks wait for theirs."""
        self.generation: Callable[[], int] = lambda: 0
        self.on_drain: Callable[[], None] = lambda: None
        self.on_register_again: Callable[[], None] = lambda: None

    def take(self, directive: Directive, acknowledge: Callable[[str, str], None]) -> None:
        """Carry a directive out in the background; a second delivery is only acknowledged."""
        known = directive.directive_id
        if known in self._done:
            acknowledge(known, self._done[known])
        elif known not in self._doing:
            self._doing.add(known)
            job = asyncio.create_task(self._carry_out(directive, acknowledge))
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)

    async def resume(self, generation: int) -> None:
        """Take up what this participant holds, after it came back; what it holds no more ends."""
        request = assignment_pb2.ResumeTasksRequest(generation=generation)
        method = self._office.stubs.assignment.ResumeTasks
        # Judged is only what was held before the question: a task that is bound and started while
        # the answer is on its way is missing in it.
        before = self._runs.held()
        answer = await _insist(lambda: self._office.ask(method, request))
        held = {briefing.task.task_id for briefing in answer.briefings}
        for run in before:
            if run.task.id not in held:
                self._runs.stop(run.task.id, run.task.epoch, "it was given away meanwhile")
        for briefing in answer.briefings:
            try:
                await self._take_up(briefing)
            except PhoenixError as refused:
                log.warning("%s was not taken up: %s", briefing.task.task_id, refused)

    async def close(self) -> None:
        """End what is still being carried out."""
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def _carry_out(
        self, directive: Directive, acknowledge: Callable[[str, str], None]
    ) -> None:
        name = short(session_pb2.DirectiveAction, directive.action)
        log.info("directive %s %s", name, directive.task_id)
        try:
            error = await _insist(lambda: self._act(name, directive))
        except PhoenixError as refused:
            # The house has moved on (the task was cancelled, the offer lapsed): nothing to do.
            log.warning("directive %s %s: %s", name, directive.task_id, refused)
            error = f"{refused.reason}: {refused.text}"
        finally:
            self._doing.discard(directive.directive_id)
        self._done[directive.directive_id] = error
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        acknowledge(directive.directive_id, error)

    async def _act(self, name: str, directive: Directive) -> str:
        """Answers why the directive is refused; the empty text where it was carried out."""
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
        return await action(directive) if action else f"{name or 'it'} is not known here"

    async def _start(self, directive: Directive) -> str:
        run = self._runs.find(directive.task_id)
        if run is not None and run.task.epoch >= directive.epoch:
            return ""
        # Read first: what cannot be worked on is declined, which StartTask would make too late.
        request = assignment_pb2.GetTaskRequest(task_id=directive.task_id)
        task = (await self._office.ask(self._office.stubs.assignment.GetTask, request)).task
        handler = await self._handler(task)
        if handler is None:
            await self._decline(directive)
            return ""
        starting = assignment_pb2.StartTaskRequest(task_id=directive.task_id, epoch=directive.epoch)
        answer = await self._office.ask(self._office.stubs.assignment.StartTask, starting)
        self._runs.begin(answer.briefing, handler)
        return ""

    async def _decline(self, directive: Directive) -> None:
        reason = "it is draining" if self.draining else "it has no handler for the capabilities"
        request = assignment_pb2.DeclineTaskRequest(
            task_id=directive.task_id, epoch=directive.epoch, reason=reason
        )
        await self._office.ask(self._office.stubs.assignment.DeclineTask, request)

    async def _stop(self, directive: Directive) -> str:
        why = directive.facts.get("reason", "") or "the house gave it to somebody else"
        self._runs.stop(directive.task_id, directive.epoch, why)
        return ""

    async def _checkpoint(self, directive: Directive) -> str:
        run = self._runs.find(directive.task_id)
        if run is not None:
            run.task.hold.checkpoint_wanted.set()
        return ""

    async def _receive(self, directive: Directive) -> str:
        handler = None
        request = assignment_pb2.GetTaskRequest(task_id=directive.task_id)
        task = (await self._office.ask(self._office.stubs.assignment.GetTask, request)).task
        if not self.draining:
            handler = await self._handler(task)
        received = await receive(
            self._office, self._reader, directive, task, able=handler is not None
        )
        if received is not None and handler is not None:
            self._runs.begin(received.briefing, handler, received.context)
        return ""

    async def _approved(self, directive: Directive) -> str:
        self._office.decisions.decided(directive.facts.get("approval_id", ""))
        run = self._runs.find(directive.task_id)
        if run is not None and run.parked:
            await self._unpark(directive.task_id)
        return ""

    async def _unpark(self, task_id: str) -> None:
        """A parked completion was decided: over, or back at work, knowing what the human said."""
        request = assignment_pb2.GetTaskRequest(task_id=task_id)
        task = (await self._office.ask(self._office.stubs.assignment.GetTask, request)).task
        run = self._runs.find(task_id)
        if run is None or task.status == assignment_pb2.TASK_STATUS_AWAITING_APPROVAL:
            return
        run.parked = False
        self._runs.stop(task_id, run.task.epoch, "its completion was decided")
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

    async def _take_up(self, briefing: assignment_pb2.TaskBriefing) -> None:
        """One resumed task: begin, or begin again, unless it only waits for a human."""
        task = briefing.task
        if task.status not in {
            assignment_pb2.TASK_STATUS_ASSIGNED,
            assignment_pb2.TASK_STATUS_ACTIVE,
        }:
            return
        handler = await self._handler(task)
        if handler is None:
            log.warning("%s is held, but nothing here can work on it", task.task_id)
            return
        if task.status == assignment_pb2.TASK_STATUS_ASSIGNED:
            epoch = task.assignment.epoch
            request = assignment_pb2.StartTaskRequest(task_id=task.task_id, epoch=epoch)
            method = self._office.stubs.assignment.StartTask
            briefing = (await _insist(lambda: self._office.ask(method, request))).briefing
        self._runs.begin(briefing, handler)

    async def _handler(self, task: assignment_pb2.Task) -> Handler | None:
        """The handler for a task; waits while the program may still be registering its own."""
        required = task.required_capabilities
        waited = 0.0
        while not self.draining:
            found = self._handlers.find(required)
            if found is not None or (self.ready() or waited >= HOLD_SECONDS):
                return found
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        return None


async def _insist(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask until the house is back; any other refusal is raised."""
    backoff = Backoff(0.2, 5.0)
    while True:
        try:
            return await ask()
        except PhoenixError as error:
            if not is_away(error):
                raise
            log.info("%s; trying again", error)
        await asyncio.sleep(backoff.next())
