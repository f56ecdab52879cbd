"""A participant's life: it registers, is present, works, and leaves."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from phoenix_dma.aio.assignee import Assignee
from phoenix_dma.aio.credentials import EnrolledCredential, GivenCredential
from phoenix_dma.aio.handlers import Handlers
from phoenix_dma.aio.office import Office
from phoenix_dma.aio.reading import Reader
from phoenix_dma.aio.runs import Run, Runs
from phoenix_dma.aio.session import Loss, Session
from phoenix_dma.aio.stream import Pulse
from phoenix_dma.aio.transport import Transport
from phoenix_dma.errors import AssignmentLost, IllegalTransition, PhoenixError
from phoenix_dma.v1 import handoff_pb2, registry_pb2, session_pb2

log = logging.getLogger(__name__)
GOODBYE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Leaving:
    """How a participant drains: seconds for its handlers to end, then for others to take over."""

    finish_seconds: float = 5.0
    hand_off_seconds: float = 15.0


class Member:
    """One participant on one stream."""

    def __init__(
        self,
        transport: Transport,
        credential: GivenCredential | EnrolledCredential,
        declaration: registry_pb2.ParticipantDeclaration,
        handlers: Handlers,
    ) -> None:
        self.declaration = declaration
        self.office = Office(transport, credential)
        self.reader = Reader(self.office)
        self.session = Session(transport, credential, self)
        self.runs = Runs(self.office, self.reader, handlers, lambda: self.session.lease.holds)
        self.assignee = Assignee(self.office, handlers, self.runs, self.reader)
        self.registered: registry_pb2.RegisterParticipantResponse | None = None
        self.attached_once = asyncio.Event()
        self._credential = credential
        self._generation = 0
        self._living: asyncio.Task[Loss] | None = None
        self._resuming: asyncio.Task[None] | None = None
        self._resume_needed = True
        self.runs.changed = self.session.nudge
        self.assignee.generation = lambda: self.generation
        self.assignee.on_drain = self.session.nudge
        self.assignee.on_register_again = self.session.register_again

    @property
    def participant_id(self) -> str:
        """The stable identity."""
        return self.declaration.id

    @property
    def generation(self) -> int:
        """The generation of its last registration; 0 before."""
        return self._generation

    async def register(self) -> registry_pb2.RegisterParticipantResponse:
        """Register, or register again under a new generation; raises the house's refusal."""
        request = registry_pb2.RegisterParticipantRequest(participant=self.declaration)
        answer = await self.office.ask(self.office.stubs.registry.RegisterParticipant, request)
        self.registered = answer
        self._generation = answer.participant.generation
        self._resume_needed = True
        return answer

    def appear(self) -> asyncio.Task[Loss]:
        """Attach and stay; the task ends with the reason why it is over."""
        if self._living is None:
            self._living = asyncio.create_task(self._live(), name=f"{self.participant_id} lives")
        return self._living

    async def appeared(self, seconds: float) -> None:
        """Attach, and wait at most ``seconds`` for it: a house that is slow is no error."""
        living = self.appear()
        here = asyncio.create_task(self.attached_once.wait())
        await asyncio.wait({living, here}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        here.cancel()

    async def leave(self, leaving: Leaving) -> None:
        """Drain: no new work, handlers get time to end, what is left is handed off; Goodbye."""
        self.assignee.draining = True
        for run in self.runs.held():
            run.task.hold.draining.set()
            run.task.hold.checkpoint_wanted.set()
        self.session.nudge()
        await self._until_idle(leaving.finish_seconds)
        left = self.runs.held()
        if left and self.session.lease.holds:
            await asyncio.gather(*(self._hand_off(run) for run in left))
            await self._until_idle(leaving.hand_off_seconds)
        await self.vanish()

    async def vanish(self) -> None:
        """Say Goodbye and end; tasks that are still held count as abandoned by the house."""
        self.session.stop()
        self.runs.stop_all("the participant left")
        if self._living is not None:
            await asyncio.wait({self._living}, timeout=GOODBYE_SECONDS)
            self._living.cancel()
        await self.assignee.close()

    # What the session asks and tells -----------------------------------------------------------

    def pulse(self) -> Pulse:
        """Load is the part of the capacity that is at work."""
        capacity = max(1, self.declaration.capacity)
        load = min(1.0, len(self.runs.active()) / capacity)
        draining = self.assignee.draining
        state = session_pb2.HEALTH_STATE_DRAINING if draining else session_pb2.HEALTH_STATE_SERVING
        return Pulse(load, state, self.runs.latency)

    async def attached(self) -> None:
        """Back, or here for the first time: what this participant holds is taken up."""
        self.attached_once.set()
        if self._resume_needed and (self._resuming is None or self._resuming.done()):
            self._resuming = asyncio.create_task(self._resume())

    def directed(self, directive: session_pb2.Directive) -> None:
        """Hand a directive to the assignee."""
        self.assignee.take(directive, self.session.acknowledge)

    def lost(self, loss: Loss, text: str) -> None:
        """The leases are gone: every handler is told, and nothing is written any more."""
        log.warning("%s lost its lease: %s %s", self.participant_id, loss, text)
        self._resume_needed = True
        self.runs.stop_all(f"the lease was lost ({loss})")

    async def _live(self) -> Loss:
        refreshing = asyncio.create_task(self._refresh())
        try:
            return await self.session.run()
        finally:
            refreshing.cancel()

    async def _resume(self) -> None:
        self._resume_needed = False
        try:
            await self.assignee.resume(self.generation)
        except PhoenixError as refused:
            self._resume_needed = True
            log.warning("%s could not resume: %s", self.participant_id, refused)

    async def _refresh(self) -> None:
        """Bring each new credential onto the stream before the old one lapses."""
        while True:
            await asyncio.sleep(max(1.0, self._credential.seconds_to_renewal()))
            try:
                await self.session.refresh()
            except PhoenixError as refused:
                log.warning("the credential could not be renewed: %s", refused)

    async def _hand_off(self, run: Run) -> None:
        request = handoff_pb2.InitiateHandoffRequest(
            task_id=run.task.id, source=self.participant_id, reason="participant_left"
        )
        try:
            await self.office.ask(self.office.stubs.handoffs.InitiateHandoff, request, patience=5.0)
        except (AssignmentLost, IllegalTransition) as moved:
            log.info("%s moves already: %s", run.task.id, moved)
        except PhoenixError as refused:
            log.warning("%s could not be handed off: %s", run.task.id, refused)

    async def _until_idle(self, seconds: float) -> None:
        """Until nothing is at work, at most ``seconds``."""
        work = [run.work for run in self.runs.active() if run.work is not None]
        if work:
            await asyncio.wait(work, timeout=seconds)
