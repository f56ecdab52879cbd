"""The registry's use cases on real servers and the test's own clock, behind the front door."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Unit, Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.principal import Call
from registry_svc.adapters.leases import RedisLeases
from registry_svc.domain.attendance import Attendance
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.participant import Participant
from registry_svc.domain.presence import Key, Presence
from registry_svc.domain.vigil import Vigil
from registry_svc.store.registry import PostgresRegistry, PostgresWorkers
from registry_svc.store.tables import metadata
from registry_svc.store.unit import RegistryUnit
from registry_svc.usecases.health import HealthNotes, SettleHealth
from registry_svc.usecases.leases import ExpireLeases, SeedLeases, WriteDeadlines
from registry_svc.usecases.parts import Parts
from registry_svc.usecases.register import RegisterParticipant
from tests.support.builders.calls import call_of
from tests.support.fakes.policy import RecordingPolicy
from tests.support.servers.postgres import DatabaseFor

TERMS = LeaseTerms()


@dataclass
class Rooms:
    """Parts, and what the lease worker is made of."""

    parts: Parts
    policy: RecordingPolicy
    leases: RedisLeases
    workers: PostgresWorkers
    vigil: Vigil
    clock: ManualClock
    tenant: str
    seed: SeedLeases
    expire: ExpireLeases
    write: WriteDeadlines
    settle: SettleHealth

    def call(self, participant_id: str, **principal: Any) -> Call:
        """A participant's own call."""
        return call_of(
            "participant",
            tenant=self.tenant,
            participant=participant_id,
            **{"owner": "acme", "participant_type": "agent", **principal},
        )

    async def register(self, participant_id: str, **claims: Any) -> Presence:
        """A leased participant that has just registered."""
        declaration = Declaration(id=participant_id, type="agent", owner="acme", **claims)
        await RegisterParticipant(self.parts)(self.call(participant_id), declaration)
        presence = self.parts.attendance.get(Key(self.tenant, participant_id))
        assert presence is not None
        return presence

    async def get(self, participant_id: str) -> Participant:
        """The row."""
        found = await self.parts.registry.get(self.tenant, participant_id)
        assert found is not None
        return found

    async def run_out(self, *presences: Presence) -> None:
        """Their leases have run out, here and in Redis."""
        self.vigil.floor = float("-inf")
        for presence in presences:
            presence.lease_from = self.clock.monotonic() - TERMS.ttl - 1
        await self.leases.write({presence.lease: -1.0 for presence in presences})


Replica = Callable[[str], Awaitable[Rooms]]


@pytest_asyncio.fixture
async def rooms(replica: Replica) -> Rooms:
    """Everything on the test's clock."""
    return await replica("replica.1")


@pytest.fixture
def replica(
    database_for: DatabaseFor, redis_client: Redis, clock: ManualClock, tenant: str
) -> Replica:
    """Makes registries beside each other: rows and leases are shared, memory is each one's own."""
    leases = new_id("leases")

    async def made(name: str) -> Rooms:
        store = RedisLeases(redis_client, clock, replica=name, name=leases)
        return await _rooms(database_for, store, clock, tenant)

    return made


async def _rooms(
    database_for: DatabaseFor, leases: RedisLeases, clock: ManualClock, tenant: str
) -> Rooms:
    database = await database_for("registry")
    worker = await database_for("registry", role="worker")
    outbox = Outbox("registry", metadata, clock=clock, new_id=new_id)
    policy = RecordingPolicy()
    parts = Parts(
        units=Units(database, RegistryUnit, outbox, new_id),
        registry=PostgresRegistry(database),
        policy=policy,
        access=OutboxAccessLog(Units(database, Unit, outbox, new_id), clock=clock, new_id=new_id),
        attendance=Attendance(interval=TERMS.interval),
        clock=clock,
        new_id=new_id,
    )
    workers, vigil = PostgresWorkers(worker), Vigil(limit=TERMS.margin)
    seed = SeedLeases(parts, leases, workers, vigil, TERMS)
    return Rooms(
        parts=parts,
        policy=policy,
        leases=leases,
        workers=workers,
        vigil=vigil,
        clock=clock,
        tenant=tenant,
        seed=seed,
        expire=ExpireLeases(parts, leases, seed, vigil, TERMS),
        write=WriteDeadlines(parts, leases, vigil, TERMS),
        settle=SettleHealth(parts, HealthNotes(parts)),
    )
