"""The use cases of two replicas: what keeps them in step where no event arrives."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import pytest_asyncio

from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.waiting.wakeup import WakeUp
from registry_svc.domain.health import HealthReport, HealthState
from registry_svc.domain.lease_store import LeaseStoreState
from registry_svc.domain.ports import HeartbeatNotice
from registry_svc.domain.session import LeaseKey, ParticipantKey, Session
from registry_svc.usecases.leases.degrade_silent import DegradeSilent
from registry_svc.usecases.leases.health_transitions import HealthTransitions
from registry_svc.usecases.leases.publish_heartbeats import PublishHeartbeats
from registry_svc.usecases.leases.silent_sessions import SilentSessions
from registry_svc.usecases.participants.suspend import SuspendParticipant
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue
from registry_svc.usecases.sessions.replica_sync import ReplicaSync
from tests.integration.registry.replica import TERMS, OpenReplica, Replica
from tests.support.builders.calls import call_of

ReplicaPair = tuple[Replica, Replica]
ACTIVE = ParticipantStatus.ACTIVE


class RecordingPublisher:
    """Records the heartbeats that it is given to publish."""

    def __init__(self) -> None:
        self.notices: list[HeartbeatNotice] = []

    async def heartbeats(self, notices: Sequence[HeartbeatNotice]) -> None:
        """See the port."""
        self.notices += notices

    async def directives_waiting(self, keys: Sequence[ParticipantKey]) -> None:
        """See the port."""
        raise AssertionError(keys)


@pytest_asyncio.fixture
async def two_replicas(open_replica: OpenReplica) -> ReplicaPair:
    """The use cases of two replicas; no loop runs."""
    return await open_replica("replica.1"), await open_replica("replica.2")


async def active(replica: Replica, session: Session) -> None:
    """Record a heartbeat there, and commit ACTIVE."""
    replica.context.sessions.record_beat(
        session, replica.clock.monotonic(), HealthReport(state=HealthState.SERVING)
    )
    await replica.apply_health()


async def also_at(replica: Replica, lease: LeaseKey) -> Session:
    """The session of the same participant at another replica."""
    row = await replica.get(lease.participant_id)
    now = replica.clock.monotonic()
    return replica.context.sessions.open_session(lease, row.status, leased=True, now=now)


async def test_the_slow_round_finds_what_no_event_brought(two_replicas: ReplicaPair) -> None:
    here, there = two_replicas
    session = await here.register("agent.1")
    await active(here, session)
    other = await also_at(there, session.lease)
    operator = call_of("operator", tenant=here.tenant)
    await SuspendParticipant(here.context)(operator, "agent.1", "a check")
    assert there.context.sessions.get(other.key) is other
    await ReplicaSync(there.context, DirectiveQueue(WakeUp()), WakeUp())()
    assert there.context.sessions.get(other.key) is None


async def test_a_session_whose_heartbeats_come_elsewhere_ends_here_without_a_miss(
    two_replicas: ReplicaPair,
) -> None:
    here, there = two_replicas
    session = await here.register("agent.1")
    await active(here, session)
    session.lease_from = here.clock.monotonic() - TERMS.missed_after - 1
    other = await also_at(there, session.lease)
    there.context.sessions.record_beat(other, there.clock.monotonic(), HealthReport())
    await there.write()
    await degrade_silent_at(here)
    assert (await here.get("agent.1")).status is ACTIVE
    assert here.context.sessions.get(session.key) is None
    assert here.context.sessions.health(session.key).last_beat is not None


async def test_silence_at_every_replica_is_a_missed_heartbeat(two_replicas: ReplicaPair) -> None:
    here, there = two_replicas
    session = await here.register("agent.1")
    await active(here, session)
    other = await also_at(there, session.lease)
    for replica, one in ((there, other), (here, session)):
        one.lease_from = replica.clock.monotonic() - TERMS.missed_after - 1
        deadline = one.lease_from + TERMS.ttl - replica.clock.monotonic()
        await replica.leases.write({one.lease: deadline})
    await degrade_silent_at(here)
    assert (await here.get("agent.1")).status is ParticipantStatus.DEGRADED


async def test_a_deadline_of_its_own_that_was_written_late_is_no_heartbeat_elsewhere(
    two_replicas: ReplicaPair,
) -> None:
    here, _ = two_replicas
    session = await here.register("agent.1")
    await active(here, session)
    now = here.clock.monotonic()
    session.lease_from = now - TERMS.missed_after - 1
    late = session.lease_from + TERMS.margin / 2
    await here.leases.write({session.lease: late + TERMS.ttl - now})
    await degrade_silent_at(here)
    assert (await here.get("agent.1")).status is ParticipantStatus.DEGRADED
    assert here.context.sessions.get(session.key) is session


async def test_health_from_another_replica_is_not_published_again(
    two_replicas: ReplicaPair,
) -> None:
    here, _ = two_replicas
    session = await here.register("agent.1")
    await active(here, session)
    renewed = await here.write()
    own = session.health(None)
    here.clock.advance(1.0)
    here.context.sessions.record_remote(session.key, replace(own, last_beat=here.clock.monotonic()))
    publisher = RecordingPublisher()
    await PublishHeartbeats(here.context, publisher)(renewed)
    assert [notice.health for notice in publisher.notices] == [own]


async def test_a_replica_that_is_late_costs_nobody_a_lease(two_replicas: ReplicaPair) -> None:
    here, there = two_replicas
    await here.seed()
    session = await there.register("agent.1")
    await there.leases.report_alive(0.0)
    await there.leases.write({session.lease: -1.0})
    assert (await here.leases.claim_expired(10)).state is LeaseStoreState.REPLICA_LATE
    await here.expire()
    left = await here.leases.remaining([session.lease])
    assert left[session.lease] == pytest.approx(TERMS.ttl, abs=5)
    # Excused once: silence after the seeding counts.
    await here.leases.write({session.lease: -1.0})
    await here.expire()
    assert (await here.get("agent.1")).status is ParticipantStatus.FAILED


async def test_a_replica_does_not_wait_for_itself(two_replicas: ReplicaPair) -> None:
    here, _ = two_replicas
    await here.seed()
    await here.leases.report_alive(0.0)
    assert (await here.leases.claim_expired(10)).state is LeaseStoreState.STEADY


async def test_an_outdated_row_changes_nothing(two_replicas: ReplicaPair) -> None:
    here, _ = two_replicas
    session = await here.register("agent.1")
    newer = here.context.sessions.open_session(
        LeaseKey(here.tenant, "agent.1", session.generation + 1),
        ACTIVE,
        leased=True,
        now=here.clock.monotonic(),
    )
    replica_sync = ReplicaSync(here.context, DirectiveQueue(WakeUp()), WakeUp())
    replica_sync.registered(newer.key)
    await replica_sync()
    assert here.context.sessions.get(newer.key) is newer
    assert newer.status is ACTIVE


async def degrade_silent_at(replica: Replica) -> None:
    """Look there for sessions that missed a heartbeat."""
    replica.stall_detector.silence_floor = float("-inf")
    context = replica.context
    silent = SilentSessions(context, replica.leases, replica.stall_detector, TERMS)
    await DegradeSilent(context, HealthTransitions(context), silent, TERMS)()
