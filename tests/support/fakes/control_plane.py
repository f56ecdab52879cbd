"""A control plane on a real socket, for tests of the SDK: it grants leases and gives tasks.

It checks what a client has to do (bearer tokens, epochs, base versions, hashes) and keeps what it
was told, in order, in ``heard``.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from phoenix_dma.v1 import (
    approval_pb2,
    approval_pb2_grpc,
    assignment_pb2,
    assignment_pb2_grpc,
    common_pb2,
    handoff_pb2,
    handoff_pb2_grpc,
    identity_pb2_grpc,
    registry_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    state_pb2_grpc,
)
from phoenix_dma.wire.canonical_json import content_hash
from phoenix_dma.wire.conversions import struct_of
from phoenix_runtime.core import errors
from tests.support.fakes.control_plane_servicers import (
    Approvals,
    Assignment,
    Handoffs,
    Identity,
    Registry,
    Sessions,
    State,
    refuse,
)
from tests.support.waiting.until import PATIENCE

ENROLMENT = "an-enrolment-credential"
PARTICIPANT = "agent.customer-steward.001"


class FakeControlPlane:
    """State, script and server in one."""

    def __init__(self, *, ttl: float = 600.0, interval: float = 0.1) -> None:
        self.ttl = ttl
        self.interval = interval
        self.generation = 0
        self.refused_claims: dict[str, str] = {}
        """Names that are not granted, and why; everything else is."""
        self.enrolment = ENROLMENT
        self.issuer = "token"
        self.enrolments = 0
        self.life = 900.0
        self.heard: list[tuple[str, Message]] = []
        self.changed = asyncio.Condition()
        self.tasks: dict[str, assignment_pb2.Task] = {}
        self.inputs: dict[str, dict[str, Any]] = {}
        self.contexts: dict[str, tuple[int, dict[str, Any]]] = {}
        self.handoff_status = handoff_pb2.HANDOFF_STATUS_INITIATED
        self.resumed: list[str] = []
        self.resumed_a_page = 100
        """Tasks in one page of ResumeTasks."""
        self.on_its_way: dict[str, asyncio.Event] = {}
        """By RPC: until it is set, the answer, already made, is on its way."""
        self.refuse: dict[str, list[Exception]] = {}
        self.answering_beats = True
        self.attach_refusal: session_pb2.LeaseLostReason.ValueType | None = None
        self.approvals: dict[str, approval_pb2.Approval] = {}
        self.streams: list[asyncio.Queue[session_pb2.KeepAliveResponse | None]] = []
        self.port = 0
        self._server: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listen; on the same port again after `shut`."""
        self._server = grpc.aio.server()
        registry_pb2_grpc.add_RegistryServiceServicer_to_server(Registry(self), self._server)
        identity_pb2_grpc.add_IdentityServiceServicer_to_server(Identity(self), self._server)
        session_pb2_grpc.add_SessionServiceServicer_to_server(Sessions(self), self._server)
        assignment_pb2_grpc.add_AssignmentServiceServicer_to_server(Assignment(self), self._server)
        handoff_pb2_grpc.add_HandoffServiceServicer_to_server(Handoffs(self), self._server)
        state_pb2_grpc.add_StateServiceServicer_to_server(State(self), self._server)
        approval_pb2_grpc.add_ApprovalServiceServicer_to_server(Approvals(self), self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()

    async def shut(self) -> None:
        """Stop listening, and cut every connection."""
        if self._server is not None:
            await self._server.stop(0)
        self.streams.clear()

    # The script

    def give(self, task_id: str, epoch: int = 1, **fields: Any) -> session_pb2.Directive:
        """Bind a task to the participant; answers the directive, not yet sent."""
        given = fields.pop("input", {})
        self.inputs[task_id] = given
        self.tasks[task_id] = assignment_pb2.Task(
            task_id=task_id,
            required_capabilities=fields.pop("required_capabilities", ["customer_validation"]),
            objective="Validate duplicate customer candidates",
            status=assignment_pb2.TASK_STATUS_ASSIGNED,
            assignment=assignment_pb2.Assignment(participant_id=PARTICIPANT, epoch=epoch),
            context_ref=f"phoenix://context/{task_id}",
            epoch=epoch,
            attempt=1,
            **fields,
        )
        return directive("start_task", task_id=task_id, epoch=epoch)

    async def send(self, *messages: session_pb2.Directive | session_pb2.LeaseLost) -> None:
        """Send down the newest stream, once there is one."""
        await self.until(lambda: bool(self.streams))
        for message in messages:
            if isinstance(message, session_pb2.Directive):
                response = session_pb2.KeepAliveResponse(directive=message)
            else:
                response = session_pb2.KeepAliveResponse(lease_lost=message)
            self.streams[-1].put_nowait(response)

    async def cut(self) -> None:
        """End the newest stream without a word."""
        self.streams[-1].put_nowait(None)

    async def hears(self, rpc: str, count: int = 1) -> list[Any]:
        """The first ``count`` requests of an RPC or kind of stream message, once they are here."""
        await self.until(lambda: len(self.all(rpc)) >= count)
        return self.all(rpc)[:count]

    def all(self, rpc: str) -> list[Any]:
        return [message for name, message in self.heard if name == rpc]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(holds)

    # What servicers use

    async def hear(self, rpc: str, message: Message) -> None:
        async with self.changed:
            kept = type(message)()
            kept.CopyFrom(message)
            self.heard.append((rpc, kept))
            self.changed.notify_all()

    async def enter(self, rpc: str, request: Message, context: Any) -> None:
        """Check the token, keep the request, refuse where the script says so."""
        tokens = dict(context.invocation_metadata())
        token = tokens.get("authorization", "")
        good = self.enrolment if rpc == "Enrol" else f"{self.issuer}.{self.enrolments}"
        await self.hear(rpc, request)
        if token != f"Bearer {good}":
            await refuse(context, errors.CredentialInvalid(f"{token} is not {good}"))
        waiting = self.refuse.get(rpc)
        if waiting:
            await refuse(context, waiting.pop(0))

    def task(self, task_id: str, epoch: int) -> assignment_pb2.Task:
        task = self.tasks[task_id]
        if task.assignment.epoch != epoch:
            raise errors.StaleAssignment(
                task_id=task_id, epoch=epoch, current_epoch=task.assignment.epoch
            )
        return task

    def briefing(self, task_id: str) -> assignment_pb2.TaskBriefing:
        return assignment_pb2.TaskBriefing(
            task=self.tasks[task_id],
            input=struct_of(self.inputs[task_id]),
            context=self.pointer(task_id),
        )

    def pointer(self, task_id: str) -> common_pb2.ContextPointer:
        version, content = self.contexts.get(task_id, (0, self.inputs[task_id]))
        return common_pb2.ContextPointer(
            context_ref=f"phoenix://state/{task_id}/{version}",
            version=version,
            hash=content_hash(content),
        )


def directive(action: str, name: str = "", **fields: Any) -> session_pb2.Directive:
    """A directive with an id of its own."""
    number = session_pb2.DirectiveAction.Value(f"DIRECTIVE_ACTION_{action.upper()}")
    known = name or f"directive.{action}.{fields.get('task_id', '')}.{fields.get('epoch', 0)}"
    return session_pb2.Directive(
        directive_id=known, action=number, participant_id=PARTICIPANT, **fields
    )
