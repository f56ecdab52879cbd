"""A participant of this process: it registers, stays attached, executes tasks, and leaves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from phoenix_dma.aio.claims import Claims
from phoenix_dma.aio.keepalive.attachment import Loss
from phoenix_dma.aio.keepalive.stream import Heartbeat
from phoenix_dma.aio.keepalive.thread import AttachmentThread
from phoenix_dma.aio.rpc.credentials import EnrolledCredential, GivenCredential
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.aio.work.context_reader import ContextReader
from phoenix_dma.aio.work.directives import DirectiveHandler
from phoenix_dma.aio.work.executions import Execution, Executions
from phoenix_dma.aio.work.handlers import Handlers
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.errors import AssignmentLost, IllegalTransition, PhoenixError
from phoenix_dma.log import EventLog
from phoenix_dma.v1 import handoff_pb2, registry_pb2, session_pb2

log = EventLog(__name__)
GOODBYE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Leaving:
    """How a participant drains: seconds for its handlers to end, then for others to take over."""

    finish_seconds: float = 5.0
    hand_off_seconds: float = 15.0


class ActiveParticipant:
    """One participant on one stream."""

    def __init__(
        self,
        transport: Transport,
        credential: GivenCredential | EnrolledCredential,
        declaration: registry_pb2.ParticipantDeclaration,
        handlers: Handlers,
    ) -> None:
        self.declaration = declaration
        self.claims = Claims(declaration)
        self.session = session = ParticipantSession(transport, credential)
        self.reader = ContextReader(session)
        self.attachment = AttachmentThread(transport, credential, self)
        self.executions = Executions(session, self.reader, handlers, self._lease_holds)
        self.directives = DirectiveHandler(session, handlers, self.executions, self.reader)
        self.registered: registry_pb2.RegisterParticipantResponse | None = None
        self.attached_once = asyncio.Event()
        self._generation = 0
        self._running: asyncio.Task[Loss] | None = None
        self._resuming: asyncio.Task[None] | None = None
        self._resume_needed = True
        self._works = True
        self.executions.changed = self.attachment.beat_now
        self.directives.generation = lambda: self.generation
        self.directives.on_drain = self.attachment.beat_now
        self.directives.on_register_again = self.attachment.register_again

    @property
    def participant_id(self) -> str:
        """The stable identity."""
        return self.declaration.id

    @property
    def generation(self) -> int:
        """The generation of its last registration; 0 before."""
        return self._generation

    async def register(self) -> registry_pb2.RegisterParticipantResponse:
        """Register, or register again under a new generation; raises `PhoenixError`."""
        request = registry_pb2.RegisterParticipantRequest(participant=self.declaration)
        answer = await self.session.ask(self.session.stubs.registry.RegisterParticipant, request)
        self.registered = answer
        for warning in answer.warnings:
            log.warning("registered_with_warning", participant=self.participant_id, why=warning)
        self._generation = answer.participant.generation
        self._resume_needed = True
        if self.attached_once.is_set():
            self.claims.registered(answer.participant)
        return answer

    def stay_attached(self) -> asyncio.Task[Loss]:
        """Attach in the background; the returned task ends with the reason why it is over."""
        if self._running is None:
            running = self.attachment.run()
            self._running = asyncio.create_task(running, name=f"{self.participant_id} attached")
        return self._running

    async def wait_until_attached(self, seconds: float) -> None:
        """Attach and wait for it, at most ``seconds``; a slow runtime is no error."""
        running = self.stay_attached()
        attached = asyncio.create_task(self.attached_once.wait())
        await asyncio.wait(
            {running, attached}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        attached.cancel()

    def report(self, *, working: bool) -> None:
        """Say with the heartbeat that is sent at once, and each later one, whether it works well.

        While it does not it is DEGRADED, and is given no task that does not permit that.
        """
        self._works = working
        self.attachment.beat_now()

    async def leave(self, leaving: Leaving) -> None:
        """Drain: take no new work, let handlers end, hand off the rest, send Goodbye."""
        self.directives.draining = True
        for execution in self.executions.held():
            execution.task.lease.draining.set()
            execution.task.lease.checkpoint_wanted.set()
        self.attachment.beat_now()
        await self._until_idle(leaving.finish_seconds)
        left = self.executions.held()
        if left and self.attachment.lease.holds:
            await asyncio.gather(*(self._hand_off(execution) for execution in left))
            await self._until_idle(leaving.hand_off_seconds)
        await self.leave_now()

    async def leave_now(self) -> None:
        """Send Goodbye and end; the control plane treats tasks that are still held as abandoned."""
        self.attachment.stop()
        self.executions.stop_all("the participant left")
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=GOODBYE_SECONDS)
            self._running.cancel()
        await self.directives.close()

    async def vanish(self) -> None:
        """End as a killed process does: no Goodbye, no report; the lease lapses by itself."""
        self.executions.stop_all("the participant was killed")
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self.attachment.lease.lost()
        await self.directives.close()

    # Called by the attachment ---------------------------------------------------------------------

    def heartbeat(self) -> Heartbeat:
        """The next heartbeat; load is the part of the capacity that is executing."""
        capacity = max(1, self.declaration.capacity)
        load = min(1.0, len(self.executions.active()) / capacity)
        return Heartbeat(load, self._state(), self.executions.latency)

    def attached(self) -> None:
        """Resume the tasks that this participant holds, after each registration or lost lease."""
        self.attached_once.set()
        if self._resume_needed and (self._resuming is None or self._resuming.done()):
            self._resuming = asyncio.create_task(self._resume())

    def directed(self, directive: session_pb2.Directive) -> None:
        """Carry a directive out, in the background."""
        self.directives.handle(directive, self.attachment.acknowledge)

    def lost(self, loss: Loss, text: str) -> None:
        """Stop every handler: the lease is gone, and nothing may be written any more."""
        log.warning("lease_lost", participant=self.participant_id, loss=loss, text=text)
        self._resume_needed = True
        self.executions.stop_all(f"the lease was lost ({loss})")

    def _state(self) -> session_pb2.HealthState.ValueType:
        if self.directives.draining:
            return session_pb2.HEALTH_STATE_DRAINING
        if not self._works:
            return session_pb2.HEALTH_STATE_DEGRADED
        return session_pb2.HEALTH_STATE_SERVING

    def _lease_holds(self) -> bool:
        return self.attachment.lease.holds

    async def _resume(self) -> None:
        self._resume_needed = False
        try:
            await self.directives.resume(self.generation)
        except PhoenixError as refused:
            self._resume_needed = True
            log.warning("tasks_not_resumed", participant=self.participant_id, error=refused)

    async def _hand_off(self, execution: Execution) -> None:
        task_id = execution.task.id
        request = handoff_pb2.InitiateHandoffRequest(
            task_id=task_id, source=self.participant_id, reason="participant_left"
        )
        method = self.session.stubs.handoffs.InitiateHandoff
        try:
            await self.session.ask(method, request, patience=5.0)
        except (AssignmentLost, IllegalTransition) as moved:
            log.info("task_moving_already", task=task_id, error=moved)
        except PhoenixError as refused:
            log.warning("task_not_handed_off", task=task_id, error=refused)

    async def _until_idle(self, seconds: float) -> None:
        """Wait until no handler runs, at most ``seconds``."""
        jobs = [one.job for one in self.executions.active() if one.job is not None]
        if jobs:
            await asyncio.wait(jobs, timeout=seconds)
