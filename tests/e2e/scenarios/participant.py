"""A participant whose every call the test makes; only its session is the SDK's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from phoenix_dma import declare
from phoenix_dma.aio.keepalive.attachment import Attachment, Loss
from phoenix_dma.aio.keepalive.stream import Heartbeat
from phoenix_dma.aio.rpc.credentials import credential_for
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.declare import ParticipantFields
from phoenix_dma.errors import NotPermitted
from phoenix_dma.profile import Profile
from phoenix_dma.v1 import (
    assignment_pb2,
    governed_pb2,
    handoff_pb2,
    identity_pb2,
    registry_pb2,
    session_pb2,
    state_pb2,
)
from phoenix_dma.v1.session_pb2 import Directive
from phoenix_dma.wire.conversions import number, short, struct_of
from tests.e2e.scenarios.intervals import PATIENCE
from tests.support.waiting.until import until


class Participant:
    """Sends beats and acknowledges directives by itself; the test makes every other move."""

    def __init__(self, transport: Transport, profile: Profile, fields: ParticipantFields) -> None:
        self.declaration = declare.participant(fields)
        roles = fields.get("roles", ("participant",))
        wanted = identity_pb2.EnrolRequest(
            participant_id=self.declaration.id,
            owner=self.declaration.owner,
            participant_type=self.declaration.type,
            roles=[number(governed_pb2.Role, role) for role in roles],
        )
        self.credential = credential_for(transport, profile, wanted)
        self.api = RuntimeApi(transport, self.credential)
        self.losses: list[Loss] = []
        self.heard: list[Directive] = []
        self.health = session_pb2.HEALTH_STATE_SERVING
        self._transport = transport
        self._generation = 0
        self._session: Attachment | None = None
        self._living: asyncio.Task[Loss] | None = None
        self._attached = asyncio.Event()
        self._told: list[Directive] = []
        self._arrived = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()

    @property
    def id(self) -> str:
        """The participant id."""
        return self.declaration.id

    # Presence ------------------------------------------------------------------------------------

    async def join(self) -> registry_pb2.RegisterParticipantResponse:
        """Register and, where the participant is leased, attach."""
        answer = await self.register()
        if answer.participant.liveness == registry_pb2.LIVENESS_LEASED:
            await self.appear()
        return answer

    async def appear(self) -> None:
        """Attach under the present generation; returns once the first beat is acknowledged.

        Raises `NotPermitted` where the session is ended for good before: the participant may retire
        meanwhile.
        """
        self._attached.clear()
        self._session = Attachment(self._transport, self.credential, self)
        self._living = asyncio.create_task(self._session.run())
        here = asyncio.create_task(self._attached.wait())
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.wait({here, self._living}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            here.cancel()
        if not self._attached.is_set():
            raise NotPermitted(f"{self.id} is not let in: {self._living.result()}")

    async def fall_silent(self) -> None:
        """Stop beating without a Goodbye, as a process does that is killed or hangs."""
        if self._living is not None:
            self._living.cancel()
            await asyncio.gather(self._living, return_exceptions=True)
            self._living = None

    async def say_goodbye(self) -> None:
        """End the session with a Goodbye, without retiring."""
        assert self._session is not None
        assert self._living is not None
        self._session.stop()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({self._living})

    async def leave(self) -> None:
        """Stop at the end of the test."""
        await self.fall_silent()

    # What the session asks and tells -------------------------------------------------------------

    @property
    def participant_id(self) -> str:
        """The participant id, by the name that the session asks for."""
        return self.declaration.id

    @property
    def generation(self) -> int:
        """The generation of the last registration."""
        return self._generation

    async def register(self) -> registry_pb2.RegisterParticipantResponse:
        """Register, or register again."""
        request = registry_pb2.RegisterParticipantRequest(participant=self.declaration)
        answer = await self.api.ask(self.api.stubs.registry.RegisterParticipant, request)
        self._generation = answer.participant.generation
        return answer

    def heartbeat(self) -> Heartbeat:
        """What the next beat reports."""
        return Heartbeat(0.1, self.health)

    def attached(self) -> None:
        """Note that the session is attached."""
        self._attached.set()

    def directed(self, directive: Directive) -> None:
        """Acknowledge a directive and keep it; a second delivery is acknowledged alone."""
        assert self._session is not None
        self._session.acknowledge(directive.directive_id)
        if all(known.directive_id != directive.directive_id for known in self.heard):
            self.heard.append(directive)
            self._told.append(directive)
            note = asyncio.create_task(self._tell())
            self._notes.add(note)
            note.add_done_callback(self._notes.discard)

    def lost(self, loss: Loss, text: str) -> None:
        """Keep the reason why the lease was lost."""
        del text
        self.losses.append(loss)

    async def loses(self, loss: Loss) -> None:
        """Wait until the stream has reported this loss."""

        async def told() -> bool:
            return loss in self.losses

        await until(told, PATIENCE)

    async def _tell(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()

    async def directive(self, action: str, task_id: str = "") -> Directive:
        """Wait for the next directive of that kind and remove it from those that are kept."""
        async with asyncio.timeout(PATIENCE), self._arrived:
            while True:
                for directive in self._told:
                    name = short(session_pb2.DirectiveAction, directive.action)
                    if name == action and task_id in {"", directive.task_id}:
                        self._told.remove(directive)
                        return directive
                await self._arrived.wait()

    # Its moves -----------------------------------------------------------------------------------

    async def take(self, task_id: str) -> assignment_pb2.TaskBriefing:
        """Wait for the directive to start the task, and start it."""
        told = await self.directive("start_task", task_id)
        return await self.start(task_id, told.epoch)

    async def start(self, task_id: str, epoch: int) -> assignment_pb2.TaskBriefing:
        """Start the task."""
        request = assignment_pb2.StartTaskRequest(task_id=task_id, epoch=epoch)
        return (await self.api.ask(self.api.stubs.assignment.StartTask, request)).briefing

    async def decline(self, task_id: str, epoch: int, reason: str = "not today") -> None:
        """Decline the task."""
        request = assignment_pb2.DeclineTaskRequest(task_id=task_id, epoch=epoch, reason=reason)
        await self.api.ask(self.api.stubs.assignment.DeclineTask, request)

    async def checkpoint(
        self,
        task_id: str,
        epoch: int,
        base_version: int,
        context: Mapping[str, Any],
        fulfilled: Sequence[str] = (),
    ) -> state_pb2.CheckpointContextResponse:
        """Checkpoint a context, and say that obligations are ``fulfilled``."""
        request = state_pb2.CheckpointContextRequest(
            task_id=task_id,
            epoch=epoch,
            base_version=base_version,
            context=struct_of(context),
            fulfilled_obligations=fulfilled,
        )
        return await self.api.ask(self.api.stubs.state.CheckpointContext, request)

    async def authorize(
        self, task_id: str, epoch: int, kind: str, name: str, **fields: Any
    ) -> assignment_pb2.AuthorizeActionResponse:
        """Ask for an authorization; ``domain`` and ``subject`` by keyword."""
        subject = fields.get("subject")
        request = assignment_pb2.AuthorizeActionRequest(
            task_id=task_id,
            epoch=epoch,
            kind=number(assignment_pb2.ActionKind, kind),
            name=name,
            domain=fields.get("domain", ""),
            subject=struct_of(subject) if subject is not None else None,
        )
        return await self.api.ask(self.api.stubs.assignment.AuthorizeAction, request)

    async def complete(
        self,
        task_id: str,
        epoch: int,
        result: Mapping[str, Any],
        fulfilled: Sequence[str] = (),
    ) -> assignment_pb2.CompleteTaskResponse:
        """Complete the task with a result, and say that obligations are ``fulfilled``."""
        request = assignment_pb2.CompleteTaskRequest(
            task_id=task_id,
            epoch=epoch,
            result=struct_of(result),
            fulfilled_obligations=fulfilled,
        )
        return await self.api.ask(self.api.stubs.assignment.CompleteTask, request)

    async def fail(self, task_id: str, epoch: int, *, retryable: bool) -> None:
        """Fail the task."""
        request = assignment_pb2.FailTaskRequest(
            task_id=task_id, epoch=epoch, message="it cannot be done", retryable=retryable
        )
        await self.api.ask(self.api.stubs.assignment.FailTask, request)

    async def resume(self) -> list[assignment_pb2.TaskBriefing]:
        """Resume the tasks that it holds under its present generation."""
        request = assignment_pb2.ResumeTasksRequest(generation=self._generation)
        answer = await self.api.ask(self.api.stubs.assignment.ResumeTasks, request)
        return list(answer.briefings)

    async def hand_off(self, task_id: str, reason: str = "requested") -> handoff_pb2.Handoff:
        """Initiate a handoff of the task."""
        request = handoff_pb2.InitiateHandoffRequest(task_id=task_id, source=self.id, reason=reason)
        return (await self.api.ask(self.api.stubs.handoffs.InitiateHandoff, request)).handoff

    async def read(self, address: str, offer_id: str = "") -> state_pb2.GetContextResponse:
        """Read a context."""
        request = state_pb2.GetContextRequest(context_ref=address, offer_id=offer_id)
        return await self.api.ask(self.api.stubs.state.GetContext, request)

    async def take_over(
        self, task_id: str, *, received_hash: str = ""
    ) -> handoff_pb2.CompleteHandoffResponse:
        """Wait for the offer of a task, read what is offered, and complete the handoff."""
        return await self.accept(
            await self.directive("receive_handoff", task_id), received_hash=received_hash
        )

    async def accept(
        self, offer: Directive, *, received_hash: str = ""
    ) -> handoff_pb2.CompleteHandoffResponse:
        """Complete a handoff with the hash of what is offered, all obligations accepted."""
        address = f"phoenix://context/{offer.task_id}"
        received = received_hash or (await self.read(address, offer.offer_id)).checkpoint.hash
        task = (await self.api.get_task(offer.task_id)).message
        request = handoff_pb2.CompleteHandoffRequest(
            handoff_id=offer.handoff_id,
            offer_id=offer.offer_id,
            received_hash=received,
            accepted_obligations=[o.id for o in task.obligations if not o.fulfilled],
        )
        return await self.api.ask(self.api.stubs.handoffs.CompleteHandoff, request)

    async def refuse(self, offer: Directive, reason: str = "not for me") -> handoff_pb2.Handoff:
        """Decline an offer."""
        request = handoff_pb2.DeclineHandoffRequest(
            handoff_id=offer.handoff_id, offer_id=offer.offer_id, reason=reason
        )
        return (await self.api.ask(self.api.stubs.handoffs.DeclineHandoff, request)).handoff
