"""Backends of a gateway that write down how they were called; each can be stopped and started."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1._async import HealthServicer

from phoenix_dma.v1 import (
    approval_pb2,
    approval_pb2_grpc,
    assignment_pb2,
    assignment_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    common_pb2,
    effect_pb2,
    effect_pb2_grpc,
    handoff_pb2,
    handoff_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
)
from phoenix_runtime.chassis.server import Listening, Service
from phoenix_runtime.chassis.serving import current_call
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core import errors
from tests.support.builders.keys import Keys

BROKEN = {"internal": grpc.StatusCode.INTERNAL, "unknown": grpc.StatusCode.UNKNOWN}
"""How gRPC ends a call whose stream broke, by task id."""


@dataclass
class Recorded:
    """What reached the backends."""

    calls: list[Any] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    remaining: list[float | None] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    stream_ended: asyncio.Event = field(default_factory=asyncio.Event)
    checks: dict[str, int] = field(default_factory=dict)
    """Health checks (not watches) that each backend answered."""

    def record(self, request: Any, context: Any) -> None:
        self.calls.append(current_call())
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.remaining.append(context.time_remaining())


class CountedHealth(HealthServicer):  # type: ignore[misc]  # the library has no types
    def __init__(self, recorded: Recorded, name: str) -> None:
        super().__init__()
        self._recorded = recorded
        self._name = name

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._recorded.checks[self._name] = self._recorded.checks.get(self._name, 0) + 1
        return await super().Check(request, context)


class Tasks(assignment_pb2_grpc.AssignmentServiceServicer):
    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    async def GetTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._recorded.record(request, context)
        if request.task_id == "slow":
            await asyncio.Event().wait()
        if request.task_id == "cancelled":
            await context.abort(grpc.StatusCode.CANCELLED, "CANCELLED")  # as gRPC does
        if request.task_id in BROKEN:
            await context.abort(BROKEN[request.task_id], "Stream removed")  # as gRPC does
        if request.task_id == "gone":
            raise errors.NotFound("task", "gone")
        if request.task_id == "broken":
            raise ZeroDivisionError("a secret inside")
        await context.send_initial_metadata((("x-begun", "yes"),))
        context.set_trailing_metadata((("x-ended", "yes"),))
        task = assignment_pb2.Task(task_id=request.task_id)
        if request.task_id == "held":
            task.assignment.participant_id = "agent.1"
        return assignment_pb2.GetTaskResponse(task=task)

    async def ListTasks(self, request: Any, context: Any) -> Any:  # noqa: N802
        child = assignment_pb2.Task(task_id="child", parent_task_id=request.parent_task_id)
        return assignment_pb2.ListTasksResponse(tasks=[child])

    async def SubmitTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._recorded.record(request, context)
        task = assignment_pb2.Task(
            task_id=request.task.task_id,
            risk_level=request.task.risk_level,
            status=assignment_pb2.TASK_STATUS_PENDING,
        )
        return assignment_pb2.SubmitTaskResponse(task=task)

    async def AssignTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise errors.NoEligibleParticipant("Nobody can take it", {"agent.1": "trust_ok"})


class Handoffs(handoff_pb2_grpc.HandoffServiceServicer):
    async def ListHandoffs(self, request: Any, context: Any) -> Any:  # noqa: N802
        return handoff_pb2.ListHandoffsResponse(handoffs=[handoff_pb2.Handoff(handoff_id="h")])


class Effects(effect_pb2_grpc.EffectServiceServicer):
    async def ListEffects(self, request: Any, context: Any) -> Any:  # noqa: N802
        one = assignment_pb2.Effect(authorization_id="authorization.1")
        return effect_pb2.ListEffectsResponse(effects=[one])


class Participants(registry_pb2_grpc.RegistryServiceServicer):
    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    async def GetParticipant(self, request: Any, context: Any) -> Any:  # noqa: N802
        one = registry_pb2.Participant(id=request.participant_id)
        return registry_pb2.GetParticipantResponse(participant=one)

    async def DiscoverParticipants(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._recorded.record(request, context)
        return registry_pb2.DiscoverParticipantsResponse()


class Sessions(session_pb2_grpc.SessionServiceServicer):
    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    async def KeepAlive(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802
        self._recorded.record(None, context)
        slot = 0
        try:
            async for request in request_iterator:
                if request.WhichOneof("message") == "attach":
                    lease = session_pb2.Lease(
                        slot=slot, participant_id=request.attach.participant_id
                    )
                    slot += 1
                    yield session_pb2.KeepAliveResponse(lease=lease)
                else:
                    acknowledged = session_pb2.BeatAck(seq=request.beats.seq)
                    yield session_pb2.KeepAliveResponse(beat_ack=acknowledged)
        finally:
            self._recorded.stream_ended.set()

    async def WaitForDirectives(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._recorded.record(request, context)
        return session_pb2.WaitForDirectivesResponse()


class Contexts(state_pb2_grpc.StateServiceServicer):
    async def ListCheckpoints(self, request: Any, context: Any) -> Any:  # noqa: N802
        pointer = common_pb2.ContextPointer(version=1)
        return state_pb2.ListCheckpointsResponse(checkpoints=[pointer])


class Approvals(approval_pb2_grpc.ApprovalServiceServicer):
    async def ListApprovals(self, request: Any, context: Any) -> Any:  # noqa: N802
        one = approval_pb2.Approval(approval_id="approval.1")
        return approval_pb2.ListApprovalsResponse(approvals=[one])


class Audit(audit_pb2_grpc.AuditServiceServicer):
    async def GetLineage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return audit_pb2.GetLineageResponse(events=[audit_pb2.AuditEvent(event_id="event.1")])


class Backends:
    """The backends; each can be ended and begun again at its old address."""

    def __init__(self, keys: Keys, recorded: Recorded) -> None:
        self._keys = keys
        self._recorded = recorded
        self._open: dict[str, Listening] = {}
        self.addresses: dict[str, str] = {}

    async def start(self, name: str) -> None:
        listen = self.addresses.get(name, "127.0.0.1:0")
        settings = ServerSettings(
            **self._keys.settings(name), listen=listen, grace=timedelta(seconds=0.1)
        )
        service = Service(
            name,
            settings,
            SERVED[name],
            lambda server: self._register(name, server),
            health=CountedHealth(self._recorded, name),
        )
        self._open[name] = await Listening(service).__aenter__()
        self.addresses[name] = f"127.0.0.1:{self._open[name].port}"

    async def stop(self, name: str) -> None:
        await self._open.pop(name).__aexit__(None, None, None)

    async def close(self) -> None:
        for name in list(self._open):
            await self.stop(name)

    def _register(self, name: str, server: grpc.aio.Server) -> None:
        if name == "assignment":
            tasks: Any = Tasks(self._recorded)
            handoffs: Any = Handoffs()
            assignment_pb2_grpc.add_AssignmentServiceServicer_to_server(tasks, server)
            effect_pb2_grpc.add_EffectServiceServicer_to_server(Effects(), server)
            handoff_pb2_grpc.add_HandoffServiceServicer_to_server(handoffs, server)
        elif name == "registry":
            participants: Any = Participants(self._recorded)
            sessions: Any = Sessions(self._recorded)
            registry_pb2_grpc.add_RegistryServiceServicer_to_server(participants, server)
            session_pb2_grpc.add_SessionServiceServicer_to_server(sessions, server)
        elif name == "state":
            contexts: Any = Contexts()
            state_pb2_grpc.add_StateServiceServicer_to_server(contexts, server)
        else:
            approvals: Any = Approvals()
            audit: Any = Audit()
            approval_pb2_grpc.add_ApprovalServiceServicer_to_server(approvals, server)
            audit_pb2_grpc.add_AuditServiceServicer_to_server(audit, server)


SERVED = {
    "registry": ["phoenix_dma.v1.RegistryService", "phoenix_dma.v1.SessionService"],
    "assignment": [
        "phoenix_dma.v1.AssignmentService",
        "phoenix_dma.v1.EffectService",
        "phoenix_dma.v1.HandoffService",
    ],
    "state": ["phoenix_dma.v1.StateService"],
    "governance": ["phoenix_dma.v1.ApprovalService", "phoenix_dma.v1.AuditService"],
}
