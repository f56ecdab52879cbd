"""The asynchronous client: a participant's, a submitter's, an operator's way to the house."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, Unpack

from phoenix_dma.aio.credentials import credential_for
from phoenix_dma.aio.desk import Desk
from phoenix_dma.aio.handlers import Handlers
from phoenix_dma.aio.member import Leaving, Member
from phoenix_dma.aio.reading import Resolver
from phoenix_dma.aio.session import Loss
from phoenix_dma.aio.transport import Transport
from phoenix_dma.briefing import Checkpoint
from phoenix_dma.context import Context
from phoenix_dma.declare import ParticipantFields, participant
from phoenix_dma.errors import AssignmentLost
from phoenix_dma.plain import number
from phoenix_dma.profile import Profile, find_profile
from phoenix_dma.v1 import governed_pb2, handoff_pb2, identity_pb2, registry_pb2

ATTACH_SECONDS: Final = 5.0

Function = TypeVar("Function", bound=Callable[..., Any])


class AsyncPhoenixClient:
    """One client of the house; at most one participant is registered by it.

    ``base_url`` is the house's address, the profile's where it is empty. All methods belong to one
    event loop. ``async with`` closes it, with a Goodbye; it retires only when told so.
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        profile: Profile | None = None,
        retire_on_exit: bool = False,
        leaving: Leaving | None = None,
    ) -> None:
        self.profile = profile or find_profile()
        self.endpoint = self.profile.endpoint(base_url)
        self.retire_on_exit = retire_on_exit
        self.handlers = Handlers()
        self.member: Member | None = None
        self.handlers_complete: Callable[[], bool] = lambda: False
        """True once no more handlers will be registered."""
        self._leaving = leaving or Leaving()
        self._transport: Transport | None = None
        self._desk: Desk | None = None
        self._resolvers: dict[str, Resolver] = {}
        self._closed = False

    async def __aenter__(self) -> AsyncPhoenixClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def transport(self) -> Transport:
        """The way to the house, opened when first needed."""
        if self._transport is None:
            self._transport = Transport(self.endpoint)
        return self._transport

    @property
    def desk(self) -> Desk:
        """Calls as the person or program whom the profile speaks for."""
        if self._desk is None:
            wanted = identity_pb2.EnrolRequest()
            credential = credential_for(self.transport, self.profile, wanted)
            self._desk = Desk(self.transport, credential)
        return self._desk

    @property
    def participant_desk(self) -> Desk:
        """Calls as the registered participant; raises RuntimeError where there is none."""
        member = self._member()
        return Desk(self.transport, member.office.credential)

    def task_handler(self, capability: str = "") -> Callable[[Function], Function]:
        """Register a handler for tasks that require ``capability``; for any where it is empty.

        ``async def`` gets an `AsyncTask` and is cancelled when the task is lost; ``def`` gets a
        `phoenix_dma.Task` and runs in a thread of its own. What it returns completes the task;
        what it raises fails the attempt, to be retried unless it is a `TaskFailure`; `HandOff`
        lets somebody else go on from the last checkpoint.
        """
        return lambda function: self.handlers.add(capability, function)

    def resolver(self, scheme: str) -> Callable[[Resolver], Resolver]:
        """Register how contexts that live elsewhere (``scheme://…``) are fetched for a handoff."""

        def register(resolve: Resolver) -> Resolver:
            self._resolvers[scheme] = resolve
            return resolve

        return register

    async def register_participant(
        self, **fields: Unpack[ParticipantFields]
    ) -> registry_pb2.RegisterParticipantResponse:
        """Register, and be present from then on (Algorithm 1): ACTIVE with the first beat.

        Raises `PolicyDenied` where policy lets it not join, RuntimeError on a second call.
        """
        if self.member is not None:
            raise RuntimeError("this client has a participant already; use another client")
        declaration = participant(fields)
        wanted = identity_pb2.EnrolRequest(
            participant_id=declaration.id,
            owner=declaration.owner,
            participant_type=declaration.type,
            roles=[number(governed_pb2.Role, role) for role in _roles(fields)],
        )
        credential = credential_for(self.transport, self.profile, wanted)
        member = Member(self.transport, credential, declaration, self.handlers)
        member.reader.resolvers = self._resolvers
        member.assignee.ready = self._handlers_complete
        answer = await member.register()
        self.member = member
        if answer.participant.liveness != registry_pb2.LIVENESS_UNLEASED:
            await member.appeared(ATTACH_SECONDS)
        return answer

    async def run(self) -> Loss:
        """Work until the house ends it for good, or `close` does; all handlers are registered."""
        self.handlers_complete = lambda: True
        return await asyncio.shield(self._member().appear())

    async def checkpoint(self, task_id: str, value: Any) -> Checkpoint:
        """Record what a running task has found; see `AsyncTask.checkpoint`."""
        run = self._member().runs.find(task_id)
        if run is None:
            raise AssignmentLost(f"{task_id} is not held by this client", {"task_id": task_id})
        return await run.task.checkpoint(value)

    async def load_context(self, context_ref: str) -> Context:
        """What is at a ``phoenix://`` address, read as the participant where there is one."""
        if self.member is not None:
            return await self.member.reader.read(context_ref)
        from phoenix_dma.aio.office import Office  # noqa: PLC0415
        from phoenix_dma.aio.reading import Reader  # noqa: PLC0415

        wanted = identity_pb2.EnrolRequest()
        credential = credential_for(self.transport, self.profile, wanted)
        return await Reader(Office(self.transport, credential)).read(context_ref)

    async def retire(
        self, *, mode: str = "graceful", deadline: datetime | None = None, reason: str = ""
    ) -> handoff_pb2.Retirement:
        """Retire this participant: it is for ever, and its id is never used again."""
        member = self._member()
        return await self.participant_desk.retire(
            member.participant_id, mode=mode, deadline=deadline, reason=reason
        )

    async def drain(self) -> None:
        """Leave gently: no new work, what is left is handed off, Goodbye."""
        if self.member is not None:
            if self.retire_on_exit:
                await self.retire(reason="the process ends")
            await self.member.leave(self._leaving)
        await self.close()

    async def close(self) -> None:
        """Leave at once, with a Goodbye, and close the connection."""
        if self._closed:
            return
        self._closed = True
        if self.member is not None:
            await self.member.vanish()
        if self._transport is not None:
            await self._transport.close()

    def _handlers_complete(self) -> bool:
        return self.handlers_complete()

    def _member(self) -> Member:
        if self.member is None:
            raise RuntimeError("no participant is registered; call register_participant first")
        return self.member


def _roles(fields: ParticipantFields) -> Sequence[str]:
    given = fields.get("roles")
    if given is not None:
        return given
    # A human takes part to decide; anybody else to work.
    return ("participant", "reviewer") if fields.get("type") == "human" else ("participant",)
