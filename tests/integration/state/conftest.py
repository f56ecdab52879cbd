"""The state service on real PostgreSQL and Valkey, beside a stand-in for assignment."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc.aio
import pytest_asyncio

from phoenix_dma.v1 import assignment_pb2, assignment_pb2_grpc, common_pb2, state_pb2_grpc
from phoenix_runtime.chassis.server import Listening, Service
from phoenix_runtime.chassis.serving import current_call
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core import errors
from phoenix_runtime.core.json import content_hash
from state_svc.settings import StateSettings
from state_svc.wiring import build
from tests.support.builders.keys import Keys, bearer
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.settings import service_settings

INPUT = {"candidates": ["a", "b"]}
PLACES = {"*": ["s3://contexts/"]}


class Pointers(assignment_pb2_grpc.AssignmentServiceServicer):
    """One task a tenant, ``task.1``, held by ``agent.1`` at epoch 1; pointers in memory."""

    def __init__(self) -> None:
        self.recorded: dict[str, list[assignment_pb2.RecordCheckpointRequest]] = {}
        self.away = False

    async def RecordCheckpoint(self, request: Any, context: Any) -> Any:  # noqa: N802
        call = current_call()
        own = self._of(call.tenant, request.task_id)
        if call.principal.participant != "agent.1" or request.epoch != 1:
            raise errors.StaleAssignment(
                task_id=request.task_id, epoch=request.epoch, current_epoch=2
            )
        if request.base_version != len(own):
            raise errors.ContextVersionConflict(
                base_version=request.base_version, current_version=len(own)
            )
        own.append(request)
        pointer = self._pointer(request, len(own))
        receipt = common_pb2.Receipt(audit_event_id="event.1", aggregate_version=len(own))
        return assignment_pb2.RecordCheckpointResponse(pointer=pointer, receipt=receipt)

    async def ResolveContext(self, request: Any, context: Any) -> Any:  # noqa: N802
        call = current_call()
        own = self._of(call.tenant, request.task_id)
        if call.principal.participant == "agent.2" and request.offer_id != "offer.1":
            raise errors.NotPermitted("Only the assignee may read", remedy="Ask it.")
        version = request.version or len(own)
        if version > len(own):
            raise errors.NotFound("context", str(version))
        if version == 0:
            answer = assignment_pb2.ResolveContextResponse()
            answer.pointer.hash = content_hash(INPUT)
            answer.input.update(INPUT)
            return answer
        recorded = own[version - 1]
        return assignment_pb2.ResolveContextResponse(
            pointer=self._pointer(recorded, version), external_ref=recorded.external_ref
        )

    async def ListContextPointers(self, request: Any, context: Any) -> Any:  # noqa: N802
        own = self._of(current_call().tenant, request.task_id)
        pointers = [self._pointer(one, at + 1) for at, one in enumerate(own)]
        return assignment_pb2.ListContextPointersResponse(pointers=reversed(pointers))

    def _of(self, tenant: str, task_id: str) -> list[assignment_pb2.RecordCheckpointRequest]:
        if self.away:
            raise errors.Unavailable("assignment is away")
        if task_id != "task.1":
            raise errors.NotFound("task", task_id)
        return self.recorded.setdefault(tenant, [])

    def _pointer(
        self, request: assignment_pb2.RecordCheckpointRequest, version: int
    ) -> common_pb2.ContextPointer:
        return common_pb2.ContextPointer(
            context_ref=f"phoenix://state/{request.task_id}/{version}",
            hash=request.hash,
            version=version,
            size_bytes=request.size_bytes,
            by_reference=request.by_reference,
            participant_id="agent.1",
            epoch=1,
        )


@dataclass(frozen=True, slots=True)
class StateService:
    """The running service, its stub, and the stand-in for assignment."""

    stub: Any
    pointers: Pointers
    keys: Keys
    tenant: str

    def token(self, participant: str = "agent.1", *roles: str, tenant: str = "") -> Any:
        """The metadata of a call by ``participant``."""
        chosen = roles or ("participant",)
        return bearer(
            self.keys.token(
                *chosen,
                sub=participant,
                participant=participant,
                owner="data-governance",
                tenant=tenant or self.tenant,
            )
        )


@pytest_asyncio.fixture
async def state_service(
    keys: Keys, postgres: PostgresServer, valkey: str, tenant: str
) -> AsyncIterator[StateService]:
    pointers = Pointers()

    def register(server: grpc.aio.Server) -> None:
        assignment_pb2_grpc.add_AssignmentServiceServicer_to_server(pointers, server)

    peer = ServerSettings(**keys.settings("assignment"))
    names = ["phoenix_dma.v1.AssignmentService"]
    async with Listening(Service("assignment", peer, names, register)) as assignment:
        settings = service_settings(
            StateSettings,
            "state",
            urls=await postgres.urls("state"),
            redis_url=valkey,
            keys=keys,
            assignment_address=f"127.0.0.1:{assignment.port}",
            references=PLACES,
        )
        async with (
            Listening(await build(settings)) as state,
            grpc.aio.insecure_channel(f"127.0.0.1:{state.port}") as channel,
        ):
            stub = state_pb2_grpc.StateServiceStub(channel)
            yield StateService(stub, pointers, keys, tenant)
