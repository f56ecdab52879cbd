"""A registry in the test's own process, on real PostgreSQL and Valkey, behind its real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import grpc.aio
import pytest
import pytest_asyncio
import structlog
from grpc.aio import EOF, AioRpcError

from phoenix_dma.v1 import (
    identity_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
)
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.chassis.server import Listening, Service
from phoenix_runtime.local.postgres.databases import DatabaseUrls
from registry_svc.settings import RegistrySettings
from registry_svc.wiring import build
from tests.integration.registry.replica import open_replica, replica
from tests.support.builders.keys import Keys, bearer
from tests.support.fakes.policy import RecordingPolicy
from tests.support.servers.postgres import DatabaseFor, PostgresServer
from tests.support.servers.settings import service_settings
from tests.support.waiting.until import PATIENCE

__all__ = ["open_replica", "replica"]

# Governance is not there: the relay says so, and pretty tracebacks would take most of the time.
structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
)

STEWARD = "agent.customer-steward.001"


@dataclass
class Registry:
    """The registry under test and its stubs."""

    service: Service
    registry: Any
    sessions: Any
    identity: Any
    keys: Keys
    tenant: str
    policy: RecordingPolicy
    database: Database

    def participant(self, participant_id: str = STEWARD, **claims: Any) -> Any:
        """The metadata of a participant's own call."""
        said = {
            "sub": participant_id,
            "tenant": self.tenant,
            "participant": participant_id,
            "participant_type": "agent",
            "owner": "data-governance",
        }
        return bearer(self.token("participant", **{**said, **claims}))

    def token(self, *roles: str, **claims: Any) -> str:
        """A credential in the test's tenant."""
        return self.keys.token(*roles, **{"tenant": self.tenant, **claims})

    def person(self, *roles: str, **claims: Any) -> Any:
        """The metadata of a person's call."""
        return bearer(self.token(*roles, **claims))

    def service_call(self, name: str = "assignment") -> Any:
        """The metadata of another service's own call."""
        signer = ServiceSigner(
            name, self.keys.service_key(name), self.keys.clock, audience="phoenix-dma"
        )
        return (("x-phoenix-dma-service", f"Bearer {signer.token(self.tenant)}"),)

    async def register(self, participant_id: str = STEWARD, **fields: Any) -> Any:
        """Register by the participant's own credential."""
        metadata = fields.pop("metadata_of_call", None) or self.participant(participant_id)
        request_id = fields.pop("request_id", "")
        declaration = steward(participant_id, **fields)
        request = registry_pb2.RegisterParticipantRequest(
            participant=declaration, request_id=request_id
        )
        return await self.registry.RegisterParticipant(request, metadata=metadata)

    async def get(self, participant_id: str = STEWARD) -> Any:
        """The participant as an operator reads it."""
        answer = await self.registry.GetParticipant(
            registry_pb2.GetParticipantRequest(participant_id=participant_id),
            metadata=self.person("operator"),
        )
        return answer.participant

    async def events(self, *types: str) -> list[dict[str, Any]]:
        """The audit events of the tenant, in order of their ids."""
        async with self.database.reading(self.tenant) as connection:
            raw = connection.raw
            rows = await raw.fetch("SELECT document FROM registry.outbox ORDER BY event_id")
        found = [json.loads(row["document"]) for row in rows]
        return [event for event in found if not types or event["type"] in types]

    def stream(self, metadata: Any = None) -> "Stream":
        """A KeepAlive stream of the paper's participant, or of another caller."""
        return Stream(self.sessions.KeepAlive(metadata=metadata or self.participant()))

    async def send(self, *directives: session_pb2.Directive) -> int:
        """Store directives as assignment does."""
        answer = await self.registry.SendDirectives(
            registry_pb2.SendDirectivesRequest(directives=directives),
            metadata=self.service_call(),
        )
        return int(answer.accepted)


class Stream:
    """The participant's end of a KeepAlive stream."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.seq = 0

    async def send(self, **message: Any) -> None:
        """Send one message, such as ``goodbye=Goodbye(slot=0)``."""
        await self.call.write(session_pb2.KeepAliveRequest(**message))

    async def receive(self) -> session_pb2.KeepAliveResponse:
        """The next message; raises AioRpcError where the stream ended with a refusal."""
        async with asyncio.timeout(PATIENCE):
            message = await self.call.read()
        assert message is not EOF, "the stream ended"
        assert isinstance(message, session_pb2.KeepAliveResponse)
        return message

    async def receive_a(self, kind: str) -> Any:
        """The next message of that kind; others are passed over."""
        while True:
            message = await self.receive()
            if message.WhichOneof("message") == kind:
                return getattr(message, kind)

    async def attach(
        self, participant_id: str = STEWARD, generation: int = 1, credential: str = ""
    ) -> session_pb2.KeepAliveResponse:
        """Attach and answer what the runtime says to it: a lease, or its loss."""
        attach = session_pb2.Attach(
            participant_id=participant_id, generation=generation, credential=credential
        )
        await self.send(attach=attach)
        return await self.receive()

    async def beat(
        self, *beats: session_pb2.Beat, unchanged: Sequence[int] = (), acknowledged: bool = True
    ) -> int:
        """Beat, by default for slot 0 as serving; answers the seq acknowledged."""
        self.seq += 1
        serving = session_pb2.Beat(slot=0, state=session_pb2.HEALTH_STATE_SERVING)
        said = beats or (() if unchanged else (serving,))
        await self.send(beats=session_pb2.Beats(seq=self.seq, beats=said, unchanged=unchanged))
        while acknowledged and (await self.receive_a("beat_ack")).seq < self.seq:
            pass  # an answer to an earlier message
        return self.seq

    async def refusal(self) -> Any:
        """The refusal that ends the stream."""
        try:
            while True:
                await self.receive()
        except AioRpcError as refused:
            return refusal_of(refused)


def steward(participant_id: str = STEWARD, **fields: Any) -> registry_pb2.ParticipantDeclaration:
    """The participant of the paper's section 7."""
    declaration = registry_pb2.ParticipantDeclaration(
        id=participant_id,
        type="agent",
        status="active",
        capabilities=["customer_validation", "duplicate_detection", "policy_check"],
        trust_score=0.91,
        owner="data-governance",
        permissions=["read_customer_master", "suggest_merge"],
        state_location="phoenix://state/customer-steward-001",
        endpoint="https://agents.example.com/customer-steward",
    )
    declaration.metadata.update(
        {"framework": "langgraph", "data_domains": ["customer"], "risk_tier": "medium"}
    )
    for name, value in fields.items():
        if isinstance(value, list):
            declaration.ClearField(name)  # type: ignore[arg-type]
            getattr(declaration, name).extend(value)
        else:
            setattr(declaration, name, value)
    return declaration


OpenRegistry: TypeAlias = Callable[..., Awaitable[Registry]]


@pytest.fixture
def policy() -> RecordingPolicy:
    """What policy says; the test may change it."""
    return RecordingPolicy()


def registry_settings(urls: DatabaseUrls, *, redis_url: str, keys: Keys, **settings: Any) -> Any:
    """Settings under which who beats once stays active, however slow the machine is."""
    chosen = service_settings(
        RegistrySettings,
        "registry",
        urls=urls,
        redis_url=redis_url,
        keys=keys,
        **{
            "issuer_key": keys.issuer_key,
            "lease_name": new_id("leases"),
            "lease_ttl": timedelta(minutes=10),
            "heartbeat_interval": timedelta(minutes=3),
            "grace": timedelta(seconds=0.2),
            **settings,
        },
    )
    # The schema is there already.
    return chosen.model_copy(update={"migration_database_url": None})


@pytest_asyncio.fixture
async def open_registry(
    postgres: PostgresServer,
    valkey: str,
    keys: Keys,
    tenant: str,
    policy: RecordingPolicy,
    database_for: DatabaseFor,
) -> AsyncIterator[OpenRegistry]:
    """Opens registries; settings by keyword, such as ``lease_ttl=timedelta(seconds=1)``."""
    async with AsyncExitStack() as stack:

        async def make(*, options: Sequence[tuple[str, Any]] = (), **settings: Any) -> Registry:
            chosen = registry_settings(
                await postgres.urls("registry"),
                redis_url=settings.pop("redis_url", valkey),
                keys=keys,
                **settings,
            )
            service = await build(chosen, policy=policy)
            listening = await stack.enter_async_context(Listening(service))
            channel = await stack.enter_async_context(
                grpc.aio.insecure_channel(f"127.0.0.1:{listening.port}", options=options)
            )
            return Registry(
                service=service,
                registry=registry_pb2_grpc.RegistryServiceStub(channel),
                sessions=session_pb2_grpc.SessionServiceStub(channel),
                identity=identity_pb2_grpc.IdentityServiceStub(channel),
                keys=keys,
                tenant=tenant,
                policy=policy,
                database=await database_for("registry"),
            )

        yield make


@pytest_asyncio.fixture
async def registry(open_registry: OpenRegistry) -> Registry:
    """A registry as it is by default."""
    return await open_registry()
