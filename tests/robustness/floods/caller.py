"""Raw calls of one tenant at one port of the runtime, with nobody who tries again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc.aio

from phoenix_dma import declare
from phoenix_dma.v1 import (
    assignment_pb2,
    assignment_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
)
from phoenix_dma.wire.stream_termination import keep_final_status
from phoenix_runtime.chassis.ids import new_id
from tests.e2e.scenarios.scenario import STEWARD
from tests.support.builders.keys import bearer

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Tokens of one tenant: of somebody with every role, and of its steward."""

    person: str
    steward: str


class Caller:
    """One tenant at one port; each method is one call and raises its refusal."""

    def __init__(self, channel: grpc.aio.Channel, credentials: Credentials) -> None:
        self._metadata = bearer(credentials.person)
        self._as_steward = bearer(credentials.steward)
        self._assignment: Any = assignment_pb2_grpc.AssignmentServiceStub(channel)
        self._registry: Any = registry_pb2_grpc.RegistryServiceStub(channel)
        self._sessions: Any = session_pb2_grpc.SessionServiceStub(channel)
        self._audit: Any = audit_pb2_grpc.AuditServiceStub(channel)

    async def submit(self) -> None:
        """Submit a task that nobody is eligible for."""
        name = new_id("task")
        request = assignment_pb2.SubmitTaskRequest(
            task=_task(name, "product_validation", priority=9), request_id=name
        )
        await self._assignment.SubmitTask(request, metadata=self._metadata)

    async def discover(self) -> None:
        """A search that asks policy."""
        wanted = ["duplicate_detection"]
        request = registry_pb2.DiscoverParticipantsRequest(required_capabilities=wanted)
        await self._registry.DiscoverParticipants(request, metadata=self._metadata)

    async def explain(self) -> None:
        """Ask the assignment service for a search."""
        task = _task("task.explained", "duplicate_detection")
        request = assignment_pb2.ExplainAssignmentRequest(task=task)
        await self._assignment.ExplainAssignment(request, metadata=self._metadata)

    async def audit(self) -> None:
        """Read a page of the ledger."""
        request = audit_pb2.ListAuditEventsRequest()
        await self._audit.ListAuditEvents(request, metadata=self._metadata)

    async def beat(self) -> None:
        """Send a heartbeat without a stream."""
        request = session_pb2.HeartbeatRequest(participant_id=STEWARD)
        await self._sessions.Heartbeat(request, metadata=self._as_steward)

    async def read(self) -> None:
        """List tasks."""
        request = assignment_pb2.ListTasksRequest()
        await self._assignment.ListTasks(request, metadata=self._metadata)

    async def beat_on(self) -> None:
        """Send beats on a stream without a pause."""

        async def beats() -> AsyncIterator[session_pb2.KeepAliveRequest]:
            attach = session_pb2.Attach(participant_id=STEWARD, generation=1)
            yield session_pb2.KeepAliveRequest(attach=attach)
            for seq in range(1, 10_000):
                beat = session_pb2.Beats(seq=seq, beats=[session_pb2.Beat(slot=0)])
                yield session_pb2.KeepAliveRequest(beats=beat)

        async for _ in keep_final_status(
            self._sessions.KeepAlive(beats(), metadata=self._as_steward)
        ):
            pass

    @property
    def ways(self) -> tuple[Ask, ...]:
        """The calls that are measured."""
        return (self.submit, self.discover, self.audit, self.beat, self.read)


def _task(name: str, capability: str, priority: int = 5) -> assignment_pb2.TaskDeclaration:
    declared: declare.TaskFields = {
        "task_id": name,
        "objective": "Find duplicates among customers",
        "required_capabilities": [capability],
        "data_domains": ["customer_master"],
        "risk_level": "low",
        "priority": priority,
    }
    return declare.task(declared)
