"""The asynchronous client, for participants, for submitters of tasks and for operators."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, Unpack

from phoenix_dma.aio.keepalive.attachment import Loss
from phoenix_dma.aio.participant import ActiveParticipant, Leaving
from phoenix_dma.aio.rpc.credentials import credential_for
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.aio.work.context_reader import ContextReader, ContextResolver
from phoenix_dma.aio.work.handlers import Handlers, check_capability
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.briefing import Checkpoint
from phoenix_dma.context import Context
from phoenix_dma.declare import ParticipantFields, participant
from phoenix_dma.errors import AssignmentLost
from phoenix_dma.profile import Endpoint, Profile, find_profile
from phoenix_dma.v1 import governed_pb2, handoff_pb2, identity_pb2, registry_pb2
from phoenix_dma.wire.conversions import number

ATTACH_SECONDS: Final = 5.0

Function = TypeVar("Function", bound=Callable[..., Any])


class AsyncPhoenixClient:
    """One client of a runtime; it registers at most one participant.

    ``base_url`` is the runtime's address, the profile's where it is empty. The profile's file is
    read again before each reconnection. All methods belong to one event loop. ``async with`` closes
    the client, with a Goodbye; its participant retires only by `retire`, or on `drain` with
    ``retire_on_exit=True``.
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
        self._base_url = base_url
        self.endpoint = self.profile.endpoint(base_url)
        self.retire_on_exit = retire_on_exit
        self.handlers = Handlers()
        self.participant: ActiveParticipant | None = None
        self.handlers_complete: Callable[[], bool] = lambda: False
        """True once no more handlers will be registered."""
        self._leaving = leaving or Leaving()
        self._transport: Transport | None = None
        self._api: RuntimeApi | None = None
        self._resolvers: dict[str, ContextResolver] = {}
        self._closed = False

    async def __aenter__(self) -> AsyncPhoenixClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def transport(self) -> Transport:
        """The channel to the runtime, opened when first needed."""
        if self._transport is None:
            self._transport = Transport(self.endpoint, locate=self._locate)
        return self._transport

    @property
    def api(self) -> RuntimeApi:
        """Calls under the credential of the profile."""
        if self._api is None:
            wanted = identity_pb2.EnrolRequest()
            credential = credential_for(self.transport, self.profile, wanted)
            self._api = RuntimeApi(self.transport, credential)
        return self._api

    @property
    def participant_api(self) -> RuntimeApi:
        """Calls as the registered participant; raises RuntimeError where there is none."""
        return RuntimeApi(self.transport, self._registered().session.credential)

    def task_handler(self, capability: str = "") -> Callable[[Function], Function]:
        """Register a handler for tasks that require ``capability``; for any where it is empty.

        ``async def`` gets an `AsyncTask` and is cancelled when the task is lost; ``def`` gets a
        `phoenix_dma.Task` and runs in a thread of its own. What it returns completes the task;
        what it raises, sys.exit() included, fails the attempt, to be retried unless it is a
        `TaskFailure` or `InvalidInput`; `HandOff` lets another participant continue from the last
        checkpoint. docs/sdk.md has every end.
        """
        check_capability(capability)

        def register(function: Function) -> Function:
            self.handlers.add(capability, function)
            if self.participant is not None:
                self.participant.claims.handled([capability])
            return function

        return register

    def resolver(self, scheme: str) -> Callable[[ContextResolver], ContextResolver]:
        """Register how contexts stored elsewhere (``scheme://…``) are fetched for a handoff."""

        def register(resolve: ContextResolver) -> ContextResolver:
            self._resolvers[scheme] = resolve
            return resolve

        return register

    async def register_participant(
        self, **fields: Unpack[ParticipantFields]
    ) -> registry_pb2.RegisterParticipantResponse:
        """Register and stay attached (Algorithm 1); ACTIVE with the first heartbeat.

        Raises `PolicyDenied` where policy refuses it, RuntimeError on a second call.
        """
        if self.participant is not None:
            raise RuntimeError("this client has a participant already; use another client")
        declaration = participant(fields)
        wanted = identity_pb2.EnrolRequest(
            participant_id=declaration.id,
            owner=declaration.owner,
            participant_type=declaration.type,
            roles=[number(governed_pb2.Role, role) for role in _roles(fields)],
        )
        credential = credential_for(self.transport, self.profile, wanted)
        joining = ActiveParticipant(self.transport, credential, declaration, self.handlers)
        joining.reader.resolvers = self._resolvers
        joining.directives.ready = self._handlers_complete
        answer = await joining.register()
        self.participant = joining
        if answer.participant.liveness != registry_pb2.LIVENESS_UNLEASED:
            await joining.wait_until_attached(ATTACH_SECONDS)
        joining.claims.registered(answer.participant)
        joining.claims.handled(self.handlers.capabilities)
        return answer

    async def run(self) -> Loss:
        """Execute tasks until an end that is final, or `close`; no handler is registered later.

        A program that ends with it exits with `Loss.exit_code`: others tell its ends apart by that.
        """
        self.handlers_complete = lambda: True
        return await asyncio.shield(self._registered().stay_attached())

    async def checkpoint(self, task_id: str, value: Any) -> Checkpoint:
        """Record what a running task has found; see `AsyncTask.checkpoint`."""
        execution = self._registered().executions.find(task_id)
        if execution is None:
            raise AssignmentLost(f"{task_id} is not held by this client", {"task_id": task_id})
        return await execution.task.checkpoint(value)

    async def load_context(self, context_ref: str) -> Context:
        """The context at a ``phoenix://`` address, read as the participant where there is one."""
        if self.participant is not None:
            return await self.participant.reader.read(context_ref)

        wanted = identity_pb2.EnrolRequest()
        credential = credential_for(self.transport, self.profile, wanted)
        return await ContextReader(ParticipantSession(self.transport, credential)).read(context_ref)

    async def retire(
        self, *, mode: str = "graceful", deadline: datetime | None = None, reason: str = ""
    ) -> handoff_pb2.Retirement:
        """Retire this participant, permanently: its id is never used again."""
        participant_id = self._registered().participant_id
        return await self.participant_api.retire(
            participant_id, mode=mode, deadline=deadline, reason=reason
        )

    async def drain(self) -> None:
        """Drain and close: take no new work, let handlers end, hand off the rest, Goodbye."""
        if self.participant is not None:
            if self.retire_on_exit:
                await self.retire(reason="the process ends")
            await self.participant.leave(self._leaving)
        await self.close()

    async def close(self) -> None:
        """Send Goodbye at once and close the connection."""
        if self._closed:
            return
        self._closed = True
        if self.participant is not None:
            await self.participant.leave_now()
        if self._transport is not None:
            await self._transport.close()

    def _locate(self) -> Endpoint:
        """Where the runtime is by the profile as it is now; raises `ProfileError`."""
        self.profile = self.profile.read_again()
        self.endpoint = self.profile.endpoint(self._base_url)
        return self.endpoint

    def _handlers_complete(self) -> bool:
        return self.handlers_complete()

    def _registered(self) -> ActiveParticipant:
        if self.participant is None:
            raise RuntimeError("no participant is registered; call register_participant first")
        return self.participant


def _roles(fields: ParticipantFields) -> Sequence[str]:
    given = fields.get("roles")
    if given is not None:
        return given
    # A human takes part to decide approvals, other types to execute tasks.
    return ("participant", "reviewer") if fields.get("type") == "human" else ("participant",)
