"""One replica of the registry: its use cases on real servers and the test's own clock."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Unit, Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.principal import Call
from registry_svc.adapters.discovery_index.index import InMemoryDiscoveryIndex
from registry_svc.adapters.lease_store import RedisLeaseStore
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.participant import Participant
from registry_svc.domain.ranking import RankWeights
from registry_svc.domain.session import ParticipantKey, Session
from registry_svc.domain.session_table import SessionTable
from registry_svc.domain.stall_detector import StallDetector
from registry_svc.store.claims import WorkerClaims
from registry_svc.store.tables import metadata
from registry_svc.store.unit import RegistryUnits
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.discovery.follow_participants import FollowParticipants
from registry_svc.usecases.discovery.follow_trust import FollowTrust
from registry_svc.usecases.leases.apply_reported_health import ApplyReportedHealth
from registry_svc.usecases.leases.expire_leases import ExpireLeases
from registry_svc.usecases.leases.health_transitions import HealthTransitions
from registry_svc.usecases.leases.seed_leases import SeedLeases
from registry_svc.usecases.leases.write_deadlines import WriteDeadlines
from registry_svc.usecases.participants.register import RegisterParticipant
from tests.support.builders.calls import call_of
from tests.support.fakes.policy import RecordingPolicy
from tests.support.servers.postgres import DatabaseFor

TERMS = LeaseTerms()


@dataclass
class Replica:
    """The context of the use cases, and the lease worker's use cases."""

    context: RegistryContext
    database: Database
    policy: RecordingPolicy
    leases: RedisLeaseStore
    claims: WorkerClaims
    stall_detector: StallDetector
    clock: ManualClock
    tenant: str
    seed: SeedLeases
    expire: ExpireLeases
    write: WriteDeadlines
    apply_health: ApplyReportedHealth
    index: InMemoryDiscoveryIndex
    follow_trust: FollowTrust
    follow: FollowParticipants

    def call(self, participant_id: str, **principal: Any) -> Call:
        """A participant's own call."""
        return call_of(
            "participant",
            tenant=self.tenant,
            participant=participant_id,
            **{"owner": "acme", "participant_type": "agent", **principal},
        )

    async def register(self, participant_id: str, **claims: Any) -> Session:
        """The session of a leased participant that has just registered."""
        declaration = Declaration(id=participant_id, type="agent", owner="acme", **claims)
        await RegisterParticipant(self.context)(self.call(participant_id), declaration)
        session = self.context.sessions.get(ParticipantKey(self.tenant, participant_id))
        assert session is not None
        return session

    async def get(self, participant_id: str) -> Participant:
        """The row."""
        found = await self.context.find(self.call(participant_id), participant_id)
        assert found is not None
        return found

    async def run_out(self, *sessions: Session) -> None:
        """Let their leases run out, here and in Redis."""
        self.stall_detector.silence_floor = float("-inf")
        for session in sessions:
            session.lease_from = self.clock.monotonic() - TERMS.ttl - 1
        await self.leases.write({session.lease: -1.0 for session in sessions})


OpenReplica = Callable[[str], Awaitable[Replica]]


@pytest_asyncio.fixture
async def replica(open_replica: OpenReplica) -> Replica:
    """One replica on the test's clock."""
    return await open_replica("replica.1")


@pytest.fixture
def open_replica(
    database_for: DatabaseFor, redis_client: Redis, clock: ManualClock, tenant: str
) -> OpenReplica:
    """Opens replicas that share rows and leases; each has sessions of its own."""
    leases = new_id("leases")

    async def opened(name: str) -> Replica:
        store = RedisLeaseStore(redis_client, clock, replica=name, name=leases)
        return await _replica(database_for, store, clock, tenant)

    return opened


async def _replica(
    database_for: DatabaseFor, leases: RedisLeaseStore, clock: ManualClock, tenant: str
) -> Replica:
    database = await database_for("registry")
    outbox = Outbox("registry", metadata, clock=clock, new_id=new_id)
    policy = RecordingPolicy()
    sessions = SessionTable(interval=TERMS.interval)
    index = InMemoryDiscoveryIndex(sessions, RankWeights())
    context = RegistryContext(
        units=RegistryUnits(database, outbox, index),
        policy=policy,
        access=OutboxAccessLog(Units(database, Unit, outbox, new_id), clock=clock, new_id=new_id),
        sessions=sessions,
        clock=clock,
        new_id=new_id,
    )
    claims = WorkerClaims(await database_for("registry", role="worker"))
    follow_trust = FollowTrust(context, index, policy)
    stall_detector = StallDetector(limit=TERMS.margin)
    seed = SeedLeases(clock, leases, claims, stall_detector, TERMS)
    return Replica(
        context=context,
        database=database,
        policy=policy,
        leases=leases,
        claims=claims,
        stall_detector=stall_detector,
        clock=clock,
        tenant=tenant,
        seed=seed,
        expire=ExpireLeases(context, leases, seed, stall_detector, TERMS),
        write=WriteDeadlines(context, leases, stall_detector, TERMS),
        apply_health=ApplyReportedHealth(context, HealthTransitions(context)),
        index=index,
        follow_trust=follow_trust,
        follow=FollowParticipants(context, index, follow_trust),
    )
