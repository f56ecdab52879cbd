"""The servicers of the fake control plane: each keeps what it hears and answers by the script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import struct_pb2

from phoenix_dma.v1 import (
    approval_pb2,
    approval_pb2_grpc,
    assignment_pb2,
    assignment_pb2_grpc,
    handoff_pb2,
    handoff_pb2_grpc,
    identity_pb2,
    identity_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
)
from phoenix_dma.wire.canonical_json import content_hash
from phoenix_dma.wire.conversions import json_of, struct_of
from phoenix_runtime.chassis.rpc.statuses import code_of, metadata_of
from phoenix_runtime.core import errors

if TYPE_CHECKING:
    from tests.support.fakes.control_plane import FakeControlPlane


async def refuse(context: Any, refused: Exception) -> None:
    """Abort as the runtime does."""
    if isinstance(refused, errors.Refused):
        await context.abort(code_of(refused), refused.text, tuple(metadata_of(refused)))
    await context.abort(grpc.StatusCode.UNAVAILABLE, str(refused))


class Servicer:
    """What every servicer of the fake control plane has."""

    def __init__(self, control_plane: FakeControlPlane) -> None:
        self.runtime = control_plane

    async def act(self, rpc: str, request: Any, context: Any, act: Callable[[], Any]) -> Any:
        await self.runtime.enter(rpc, request, context)
        try:
            answer = act()
        except errors.Refused as refused:
            return await refuse(context, refused)
        if rpc in self.runtime.on_its_way:
            await self.runtime.on_its_way[rpc].wait()
        return answer


class Identity(Servicer, identity_pb2_grpc.IdentityServiceServicer):
    async def Enrol(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.act("Enrol", request, context, self._made)

    async def RenewCredential(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.act("RenewCredential", request, context, self._made)

    def _made(self) -> Any:
        self.runtime.enrolments += 1
        token = f"{self.runtime.issuer}.{self.runtime.enrolments}"
        made = identity_pb2.EnrolResponse(credential=token)
        made.expire_time.GetCurrentTime()
        made.expire_time.FromNanoseconds(
            made.expire_time.ToNanoseconds() + int(self.runtime.life * 1e9)
        )
        return made


class Registry(Servicer, registry_pb2_grpc.RegistryServiceServicer):
    async def RegisterParticipant(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.act("RegisterParticipant", request, context, lambda: self._made(request))

    async def GetParticipant(self, request: Any, context: Any) -> Any:  # noqa: N802
        def found() -> Any:
            answer = registry_pb2.GetParticipantResponse()
            answer.participant.id = request.participant_id
            answer.participant.status = registry_pb2.PARTICIPANT_STATUS_ACTIVE
            return answer

        return await self.act("GetParticipant", request, context, found)

    def _made(self, request: Any) -> Any:
        self.runtime.generation += 1
        answer = registry_pb2.RegisterParticipantResponse(decision="approved")
        answer.participant.id = request.participant.id
        answer.participant.generation = self.runtime.generation
        for kind in ("capabilities", "data_domains", "permissions"):
            for name in getattr(request.participant, kind):
                if name in self.runtime.refused_claims:
                    reason = self.runtime.refused_claims[name]
                    answer.participant.refused.add(kind=kind, name=name, reason=reason)
                else:
                    getattr(answer.participant, kind).append(name)
        return answer


class Sessions(Servicer, session_pb2_grpc.SessionServiceServicer):
    async def KeepAlive(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        down: asyncio.Queue[Any] = asyncio.Queue()
        reading = asyncio.create_task(self._read(request_iterator, down))
        try:
            while (response := await down.get()) is not None:
                yield response
                if response.HasField("lease_lost"):
                    return
        finally:
            reading.cancel()

    async def _read(self, requests: Any, down: asyncio.Queue[Any]) -> None:
        runtime = self.runtime
        async for request in requests:
            kind = request.WhichOneof("message")
            await runtime.hear(kind, getattr(request, kind))
            if kind == "attach":
                await self._attach(request.attach, down)
            elif kind == "beats" and runtime.answering_beats:
                ack = session_pb2.BeatAck(seq=request.beats.seq)
                down.put_nowait(session_pb2.KeepAliveResponse(beat_ack=ack))
        down.put_nowait(None)

    async def _attach(self, attach: Any, down: asyncio.Queue[Any]) -> None:
        runtime = self.runtime
        if runtime.attach_refusal is not None:
            lost = session_pb2.LeaseLost(slot=-1, reason=runtime.attach_refusal)
            runtime.attach_refusal = None
            down.put_nowait(session_pb2.KeepAliveResponse(lease_lost=lost))
            return
        if not runtime.answering_beats:
            down.put_nowait(None)  # nor is a lease granted to whoever comes back in the silence
            return
        lease = session_pb2.Lease(slot=7, participant_id=attach.participant_id)
        lease.ttl.FromNanoseconds(int(runtime.ttl * 1e9))
        lease.interval.FromNanoseconds(int(runtime.interval * 1e9))
        down.put_nowait(session_pb2.KeepAliveResponse(lease=lease))
        async with runtime.changed:
            runtime.streams.append(down)
            runtime.changed.notify_all()


class Assignment(Servicer, assignment_pb2_grpc.AssignmentServiceServicer):
    async def GetTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        def found() -> Any:
            if request.task_id not in self.runtime.tasks:
                raise errors.NotFound("task", request.task_id)
            return assignment_pb2.GetTaskResponse(task=self.runtime.tasks[request.task_id])

        return await self.act("GetTask", request, context, found)

    async def StartTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        def start() -> Any:
            task = self.runtime.task(request.task_id, request.epoch)
            task.status = assignment_pb2.TASK_STATUS_ACTIVE
            return assignment_pb2.StartTaskResponse(briefing=self.runtime.briefing(request.task_id))

        return await self.act("StartTask", request, context, start)

    async def ResumeTasks(self, request: Any, context: Any) -> Any:  # noqa: N802
        def resume() -> Any:
            begins = int(request.page_token or 0)
            ends = begins + self.runtime.resumed_a_page
            some = [self.runtime.briefing(name) for name in self.runtime.resumed[begins:ends]]
            token = str(ends) if ends < len(self.runtime.resumed) else ""
            return assignment_pb2.ResumeTasksResponse(briefings=some, next_page_token=token)

        return await self.act("ResumeTasks", request, context, resume)

    async def DeclineTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.act("DeclineTask", request, context, assignment_pb2.DeclineTaskResponse)

    async def AuthorizeAction(self, request: Any, context: Any) -> Any:  # noqa: N802
        def authorize() -> Any:
            self.runtime.task(request.task_id, request.epoch)
            subject = content_hash(json_of(request.subject))
            return assignment_pb2.AuthorizeActionResponse(
                authorization_id=f"authorize.{subject[-8:]}", subject_hash=subject
            )

        return await self.act("AuthorizeAction", request, context, authorize)

    async def CompleteTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        def complete() -> Any:
            task = self.runtime.task(request.task_id, request.epoch)
            if task.status == assignment_pb2.TASK_STATUS_AWAITING_APPROVAL:
                return assignment_pb2.CompleteTaskResponse(task=task)
            task.status = assignment_pb2.TASK_STATUS_SUCCEEDED
            task.result.CopyFrom(request.result)
            return assignment_pb2.CompleteTaskResponse(task=task)

        return await self.act("CompleteTask", request, context, complete)

    async def FailTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        def fail() -> Any:
            task = self.runtime.task(request.task_id, request.epoch)
            task.status = assignment_pb2.TASK_STATUS_FAILED
            return assignment_pb2.FailTaskResponse(task=task)

        return await self.act("FailTask", request, context, fail)

    async def SubmitTask(self, request: Any, context: Any) -> Any:  # noqa: N802
        def submit() -> Any:
            task = assignment_pb2.Task(
                task_id=request.task.task_id, status=assignment_pb2.TASK_STATUS_PENDING
            )
            return assignment_pb2.SubmitTaskResponse(task=task)

        return await self.act("SubmitTask", request, context, submit)


class Handoffs(Servicer, handoff_pb2_grpc.HandoffServiceServicer):
    async def InitiateHandoff(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.act(
            "InitiateHandoff", request, context, handoff_pb2.InitiateHandoffResponse
        )

    async def GetHandoff(self, request: Any, context: Any) -> Any:  # noqa: N802
        def found() -> Any:
            handoff = handoff_pb2.Handoff(status=self.runtime.handoff_status)
            return handoff_pb2.GetHandoffResponse(handoff=handoff)

        return await self.act("GetHandoff", request, context, found)

    async def CompleteHandoff(self, request: Any, context: Any) -> Any:  # noqa: N802
        def complete() -> Any:
            task_id = request.handoff_id.removeprefix("handoff.")
            pointer = self.runtime.pointer(task_id)
            if request.received_hash != pointer.hash:
                raise errors.ContextHashMismatch(
                    expected=pointer.hash, received=request.received_hash
                )
            task = self.runtime.tasks[task_id]
            task.assignment.epoch += 1
            task.epoch = task.assignment.epoch
            task.status = assignment_pb2.TASK_STATUS_ACTIVE
            return handoff_pb2.CompleteHandoffResponse(briefing=self.runtime.briefing(task_id))

        return await self.act("CompleteHandoff", request, context, complete)

    async def DeclineHandoff(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.act(
            "DeclineHandoff", request, context, handoff_pb2.DeclineHandoffResponse
        )

    async def RetireParticipant(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.act(
            "RetireParticipant", request, context, handoff_pb2.RetireParticipantResponse
        )


class State(Servicer, state_pb2_grpc.StateServiceServicer):
    async def GetContext(self, request: Any, context: Any) -> Any:  # noqa: N802
        def found() -> Any:
            task_id = request.context_ref.removeprefix("phoenix://context/")
            _, content = self.runtime.contexts.get(task_id, (0, self.runtime.inputs[task_id]))
            return state_pb2.GetContextResponse(
                checkpoint=self.runtime.pointer(task_id), context=struct_of(content)
            )

        return await self.act("GetContext", request, context, found)

    async def CheckpointContext(self, request: Any, context: Any) -> Any:  # noqa: N802
        def record() -> Any:
            self.runtime.task(request.task_id, request.epoch)
            version, _ = self.runtime.contexts.get(request.task_id, (0, {}))
            if request.base_version != version:
                raise errors.ContextVersionConflict(
                    base_version=request.base_version, current_version=version
                )
            content: struct_pb2.Struct = request.context
            self.runtime.contexts[request.task_id] = (version + 1, json_of(content))
            return state_pb2.CheckpointContextResponse(
                checkpoint=self.runtime.pointer(request.task_id)
            )

        return await self.act("CheckpointContext", request, context, record)


class Approvals(Servicer, approval_pb2_grpc.ApprovalServiceServicer):
    async def GetApproval(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.act(
            "GetApproval",
            request,
            context,
            lambda: approval_pb2.GetApprovalResponse(
                approval=self.runtime.approvals[request.approval_id]
            ),
        )
