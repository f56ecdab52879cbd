"""Reads the parts of a dossier: one call a part, with the caller's credential."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

from google.protobuf.message import Message

from gateway.connecting import wait_connected
from phoenix_dma.v1 import (
    approval_pb2,
    approval_pb2_grpc,
    assignment_pb2,
    assignment_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    effect_pb2,
    effect_pb2_grpc,
    handoff_pb2,
    handoff_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
)
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.core.principal import Call

LARGEST_PAGE = 200

Answer = TypeVar("Answer", bound=Message)

Ask: TypeAlias = Callable[[Call, str], Awaitable[Sequence[Message]]]
"""Reads the part of one task; a dossier shows its first page only."""


class DossierSources:
    """Reads each part of a dossier from the service that has it."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._registry = registry_pb2_grpc.RegistryServiceStub(channels.channel("registry"))
        self._tasks = assignment_pb2_grpc.AssignmentServiceStub(channels.channel("assignment"))
        self._effects = effect_pb2_grpc.EffectServiceStub(channels.channel("assignment"))
        self._handoffs = handoff_pb2_grpc.HandoffServiceStub(channels.channel("assignment"))
        self._state = state_pb2_grpc.StateServiceStub(channels.channel("state"))
        self._approvals = approval_pb2_grpc.ApprovalServiceStub(channels.channel("governance"))
        self._audit = audit_pb2_grpc.AuditServiceStub(channels.channel("governance"))

    def parts(self) -> dict[str, Ask]:
        """Return the readers of the parts that need only the task's id, the small ones first."""
        return {
            "checkpoints": self._checkpoints,
            "handoffs": self._handoffs_of,
            "effects": self._effects_of,
            "lineage": self._lineage,
            "children": self._children,
            "approvals": self._approvals_of,
        }

    async def _ask(
        self, backend: str, call: Call, method: Callable[..., Awaitable[Answer]], request: Message
    ) -> Answer:
        await wait_connected(self._channels.channel(backend))
        return await self._channels.ask(call, method, request)

    async def task(self, call: Call, task_id: str) -> assignment_pb2.Task:
        """Return the task itself; raises what assignment raises."""
        request = assignment_pb2.GetTaskRequest(task_id=task_id)
        answer = await self._ask("assignment", call, self._tasks.GetTask, request)
        return answer.task

    async def participant(self, call: Call, participant_id: str) -> registry_pb2.Participant:
        """Return the participant that holds the task; raises what the registry raises."""
        request = registry_pb2.GetParticipantRequest(participant_id=participant_id)
        answer = await self._ask("registry", call, self._registry.GetParticipant, request)
        return answer.participant

    async def _children(self, call: Call, task_id: str) -> Sequence[Message]:
        request = assignment_pb2.ListTasksRequest(parent_task_id=task_id, page_size=LARGEST_PAGE)
        answer = await self._ask("assignment", call, self._tasks.ListTasks, request)
        return answer.tasks

    async def _checkpoints(self, call: Call, task_id: str) -> Sequence[Message]:
        request = state_pb2.ListCheckpointsRequest(task_id=task_id, page_size=LARGEST_PAGE)
        answer = await self._ask("state", call, self._state.ListCheckpoints, request)
        return answer.checkpoints

    async def _handoffs_of(self, call: Call, task_id: str) -> Sequence[Message]:
        request = handoff_pb2.ListHandoffsRequest(task_id=task_id, page_size=LARGEST_PAGE)
        answer = await self._ask("assignment", call, self._handoffs.ListHandoffs, request)
        return answer.handoffs

    async def _effects_of(self, call: Call, task_id: str) -> Sequence[Message]:
        request = effect_pb2.ListEffectsRequest(task_id=task_id, page_size=LARGEST_PAGE)
        answer = await self._ask("assignment", call, self._effects.ListEffects, request)
        return answer.effects

    async def _approvals_of(self, call: Call, task_id: str) -> Sequence[Message]:
        request = approval_pb2.ListApprovalsRequest(task_id=task_id, page_size=LARGEST_PAGE)
        answer = await self._ask("governance", call, self._approvals.ListApprovals, request)
        return answer.approvals

    async def _lineage(self, call: Call, task_id: str) -> Sequence[Message]:
        request = audit_pb2.GetLineageRequest(task_id=task_id, page_size=LARGEST_PAGE)
        answer = await self._ask("governance", call, self._audit.GetLineage, request)
        return answer.events
