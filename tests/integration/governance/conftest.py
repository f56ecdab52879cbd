"""Governance on real PostgreSQL, Valkey and the real embedded policy engine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.settings import GovernanceSettings
from governance_svc.store.unit import GovernanceUnits
from governance_svc.usecases.trust.assess_trust import AssessTrust
from governance_svc.wiring import build
from phoenix_dma.v1 import approval_pb2_grpc, audit_pb2_grpc, governance_pb2_grpc
from phoenix_runtime.chassis.delivery.receivers import GrpcLedger
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.channels import Channels, service_call
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.chassis.server import Listening
from phoenix_runtime.chassis.settings import PeerSettings
from phoenix_runtime.core.clock import ManualClock, SteadyClock
from phoenix_runtime.core.documents import with_content
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.principal import Call
from phoenix_runtime.local.postgres.databases import DatabaseUrls
from phoenix_runtime.local.runtime import LocalRuntime
from tests.integration.governance.manual_governance import HANG_GUARD, ManualGovernance
from tests.integration.governance.units import outbox_of
from tests.support.builders.keys import Keys, bearer
from tests.support.servers.postgres import DatabaseFor, PostgresServer
from tests.support.servers.settings import service_settings

REVIEWER = "human.steward.01"


@dataclass(frozen=True, slots=True)
class Governance:
    """The running service as services (``channels``) and as people (``channel``) reach it."""

    channels: Channels
    channel: grpc.aio.Channel
    keys: Keys
    tenant: str

    @property
    def audit(self) -> Any:
        """The stub of the audit."""
        return audit_pb2_grpc.AuditServiceStub(self.channel)

    @property
    def approvals(self) -> Any:
        """The stub of the approvals."""
        return approval_pb2_grpc.ApprovalServiceStub(self.channel)

    @property
    def policies(self) -> Any:
        """The stub of policy, trust and certifications."""
        return governance_pb2_grpc.GovernanceServiceStub(self.channel)

    def own_call(self) -> Call:
        """A call of assignment on its own account."""
        return service_call("assignment", self.tenant, new_id)

    async def as_service(self, method: Callable[..., Awaitable[Any]], request: Any) -> Any:
        """Call as assignment; raises the refusal itself."""
        return await self.channels.ask(self.own_call(), method, request)

    async def as_person(
        self, method: Callable[..., Awaitable[Any]], request: Any, *roles: str, **claims: Any
    ) -> Any:
        """Call as somebody with ``roles``; raises the refusal itself."""
        token = self.keys.token(*roles, **{"tenant": self.tenant, **claims})
        try:
            return await method(request, metadata=bearer(token), timeout=HANG_GUARD.evaluation)
        except grpc.aio.AioRpcError as error:
            raise refusal_of(error) from error

    async def as_participant(
        self, method: Callable[..., Awaitable[Any]], request: Any, name: str, *roles: str
    ) -> Any:
        """Call as a participant, of type human where it is a reviewer."""
        kind = "human" if "reviewer" in roles else "agent"
        claims = {"sub": name, "participant": name, "participant_type": kind, "owner": "acme"}
        return await self.as_person(method, request, "participant", *roles, **claims)

    async def append(self, *events: AuditEvent) -> None:
        """Deliver events as assignment's relay does."""
        ledger = GrpcLedger(self.channels, "assignment")
        await ledger.append(self.tenant, [with_content(event) for event in events])


class RunningServices:
    """The services of governance that a module or a test has started, until they are closed."""

    def __init__(self, keys: Keys, urls: DatabaseUrls, redis_url: str) -> None:
        self._keys = keys
        self._urls = urls
        self._redis_url = redis_url
        self._opened: list[Any] = []

    async def start(self, tenant: str, **more: Any) -> Governance:
        """Start a service with further settings; answers it as ``tenant`` reaches it."""
        settings = service_settings(
            GovernanceSettings,
            "governance",
            urls=self._urls,
            redis_url=self._redis_url,
            keys=self._keys,
            grace=0.2,
            evaluation_deadline=timedelta(seconds=HANG_GUARD.evaluation),
            **more,
        )
        listening = Listening(await build(settings))
        await listening.__aenter__()
        self._opened.append(listening)
        address = f"127.0.0.1:{listening.port}"
        peer = PeerSettings(
            **self._keys.settings("assignment"),
            governance_address=address,
            call_timeout=timedelta(seconds=HANG_GUARD.evaluation),
        )
        signer = ServiceSigner(
            "assignment", peer.service_key, SteadyClock(), audience=peer.audience
        )
        channels, channel = Channels(peer, signer), grpc.aio.insecure_channel(address)
        self._opened.extend([channels, channel])
        return Governance(channels, channel, self._keys, tenant)

    async def close(self) -> None:
        """Close what was opened, the newest first."""
        for one in reversed(self._opened):
            await (one.__aexit__() if isinstance(one, Listening) else one.close())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_governance(
    keys: Keys, postgres: PostgresServer, shared_servers: LocalRuntime
) -> AsyncIterator[Governance]:
    """One service for the module, with the embedded engine and the shipped bundle."""
    urls = await postgres.urls("governance")
    services = RunningServices(keys, urls, shared_servers.redis_url)
    yield await services.start("")
    await services.close()


@pytest.fixture
def governance(shared_governance: Governance, tenant: str) -> Governance:
    """The module's service, as a tenant that nobody has used yet reaches it."""
    return replace(shared_governance, tenant=tenant)


@pytest_asyncio.fixture(loop_scope="module")
async def start(
    keys: Keys, postgres: PostgresServer, valkey: str, tenant: str
) -> AsyncIterator[Callable[..., Awaitable[Governance]]]:
    """Starts a service of the test's own with further settings."""
    services = RunningServices(keys, await postgres.urls("governance"), valkey)
    yield partial(services.start, tenant)
    await services.close()


@pytest_asyncio.fixture
async def manual_governance(
    database_for: DatabaseFor, clock: ManualClock, tenant: str
) -> ManualGovernance:
    """Governance's use cases on a clock that the test moves."""
    database = await database_for("governance")
    outbox = outbox_of(database)
    units = GovernanceUnits(database, outbox)
    catalogue = shipped_bundle().catalogue
    return ManualGovernance(
        database=database,
        worker=await database_for("governance", role="worker"),
        units=units,
        outbox=outbox,
        clock=clock,
        tenant=tenant,
        trust=AssessTrust(units, lambda _: catalogue, clock),
    )


@pytest_asyncio.fixture
async def shipped_engine() -> AsyncIterator[EmbeddedEngine]:
    """The embedded engine with the shipped bundle."""
    engine = EmbeddedEngine(HANG_GUARD)
    await engine.load(shipped_bundle())
    yield engine
    await engine.close()
