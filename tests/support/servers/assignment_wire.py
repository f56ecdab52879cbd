"""A running assignment service over gRPC, with peers that the test steers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.struct_pb2 import Struct
from grpc.aio import AioRpcError

from assignment_svc.settings import AssignmentSettings
from assignment_svc.wiring import Peers, build
from phoenix_dma.v1 import (
    assignment_pb2,
    assignment_pb2_grpc,
    common_pb2,
    handoff_pb2_grpc,
)
from phoenix_dma.wire.sizes import MESSAGE_BYTES
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.interceptors.identity import SERVICE_CREDENTIAL
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.chassis.server import Listening
from phoenix_runtime.core import errors
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.validate import validate
from phoenix_runtime.local.evidence import read_evidence
from tests.support.builders.keys import Keys, bearer
from tests.support.fakes.assignment_peers import (
    FakeApprovals,
    FakeRegistry,
    ScriptedPolicy,
)
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.settings import service_settings

REVIEW = assignment_pb2.TaskDeclaration(
    task_id="task.customer-merge-review.8841",
    objective="Validate duplicate customer candidates and recommend merge action",
    required_capabilities=["duplicate_detection", "customer_validation"],
    data_domains=["customer_master"],
    risk_level=common_pb2.RISK_LEVEL_MEDIUM,
    context_ref="phoenix://context/task.customer-merge-review.8841",
)

LARGE = [("grpc.max_receive_message_length", MESSAGE_BYTES)]
"""A client takes 4 MiB where nothing is said."""


@dataclass
class WiredAssignment:
    """The stubs of a running service, and the peers behind it."""

    tasks: Any
    handoffs: Any
    keys: Keys
    tenant: str
    registry: FakeRegistry
    policy: ScriptedPolicy
    approvals: FakeApprovals

    def person(self, *roles: str) -> Any:
        return bearer(self.keys.token(*roles, tenant=self.tenant, sub="ann"))

    def agent(self, participant_id: str, *, service: str = "") -> Any:
        token = self.keys.token(
            "participant",
            tenant=self.tenant,
            sub=participant_id,
            participant=participant_id,
            participant_type="agent",
            owner="data-governance",
        )
        return bearer(token) + (self.beside(service) if service else ())

    def beside(self, service: str) -> Any:
        """The credential of a service that forwards the call."""
        key = self.keys.service_key(service)
        signer = ServiceSigner(service, key, SteadyClock(), audience="phoenix-dma")
        return ((SERVICE_CREDENTIAL, f"Bearer {signer.token(self.tenant)}"),)


@pytest_asyncio.fixture
async def wired(
    postgres: PostgresServer, valkey: str, keys: Keys, tenant: str
) -> AsyncIterator[WiredAssignment]:
    policy = ScriptedPolicy()
    registry = FakeRegistry(SteadyClock(), policy)
    registry.join("human.1", type="human", capacity=0)
    approvals = FakeApprovals()
    urls, admin_url = await postgres.apart("assignment", "phoenix_assignment_wire")
    settings = service_settings(
        AssignmentSettings, "assignment", urls=urls, redis_url=valkey, keys=keys
    )
    peers = Peers(registry=registry, approvals=approvals, policy=policy)
    async with (
        Listening(await build(settings, peers=peers)) as listening,
        grpc.aio.insecure_channel(f"127.0.0.1:{listening.port}", options=LARGE) as channel,
    ):
        tasks = assignment_pb2_grpc.AssignmentServiceStub(channel)
        handoffs = handoff_pb2_grpc.HandoffServiceStub(channel)
        yield WiredAssignment(tasks, handoffs, keys, tenant, registry, policy, approvals)
    assert validate(await read_evidence(admin_url, tenant)) == ()


async def refused(call: Any) -> errors.Refused:
    with pytest.raises(AioRpcError) as refusal:
        await call
    return refusal_of(refusal.value)


def struct(**fields: Any) -> Struct:
    made = Struct()
    made.update(fields)
    return made
