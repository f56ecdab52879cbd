"""Lease use cases on real servers and a manual clock; nothing here waits."""

import json
from dataclasses import replace

from redis.asyncio import Redis

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.adapters.ended_leases import RedisEndedLeases
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.health import HealthReport, HealthState
from registry_svc.domain.lease import CLAIM_SECONDS
from registry_svc.domain.lease_store import LeaseClaim, LeaseStoreState
from registry_svc.domain.session import LeaseKey, LeaseLostReason, Session
from registry_svc.usecases.leases.end_leases import EndLeases
from registry_svc.usecases.leases.expire_leases import RESTS_PER_LEASE
from registry_svc.usecases.participants.begin_retirement import BeginRetirement
from registry_svc.usecases.participants.register import RegisterParticipant
from registry_svc.usecases.participants.suspend import SuspendParticipant
from tests.integration.registry.replica import TERMS, Replica
from tests.support.builders.calls import call_of


class RecordingStream:
    """A stream that records which leases were revoked."""

    def __init__(self) -> None:
        self.losses: list[tuple[int, LeaseLostReason]] = []

    def send_directive(self, slot: int, directive: object) -> bool:
        return True

    def revoke(self, slot: int, reason: LeaseLostReason, participant_id: str, text: str) -> None:
        self.losses.append((slot, reason))


async def events(replica: Replica, *types: str) -> list[dict[str, object]]:
    async with replica.database.reading(replica.tenant) as connection:
        raw = connection.raw
        rows = await raw.fetch("SELECT document FROM registry.outbox ORDER BY event_id")
    found = [json.loads(row["document"]) for row in rows]
    return [event for event in found if not types or event["type"] in types]


async def serving(replica: Replica, session: Session) -> None:
    replica.context.sessions.record_beat(
        session, replica.clock.monotonic(), HealthReport(state=HealthState.SERVING)
    )
    await replica.apply_health()


async def test_an_expired_lease_fails_its_holder_once_with_an_event(replica: Replica) -> None:
    await replica.expire()  # the first look seeds
    session = await replica.register("agent.1")
    await serving(replica, session)
    stream = RecordingStream()
    replica.context.sessions.attach(session, stream, 4)
    await replica.run_out(session)
    await replica.expire()
    await replica.expire()
    row = await replica.get("agent.1")
    assert (row.status, row.status_reason) == (ParticipantStatus.FAILED, "participant_failed")
    assert row.standing_revision == 3
    [event] = await events(replica, "PARTICIPANT_FAILED")
    assert (event["previous_state"], event["new_state"]) == ("active", "failed")
    assert event["detail"]["generation"] == 1  # type: ignore[index]
    assert stream.losses == [(4, LeaseLostReason.EXPIRED)]
    client = replica.leases._sweep.registered_client
    member = f"{replica.tenant}/agent.1/1"
    assert await client.zscore(replica.leases._deadlines[0], member) is None


async def test_a_new_lease_store_expires_nobody_and_is_seeded_again(replica: Replica) -> None:
    session = await replica.register("agent.1")
    await replica.run_out(session)
    assert (await replica.leases.claim_expired(10)).state is LeaseStoreState.NEW
    await replica.expire()
    assert not replica.stall_detector.needs_seeding
    await replica.expire()
    assert (await replica.get("agent.1")).status is ParticipantStatus.REGISTERED
    sweep = await replica.leases.claim_expired(10)
    assert (sweep.state, sweep.claims) == (LeaseStoreState.STEADY, ())


async def test_a_flushed_lease_store_expires_nobody(replica: Replica) -> None:
    await replica.expire()
    session = await replica.register("agent.1")
    await replica.run_out(session)
    await replica.leases._sweep.registered_client.delete(*replica.leases._sentinels)
    await replica.expire()
    await replica.expire()
    assert (await replica.get("agent.1")).status is ParticipantStatus.REGISTERED


async def test_clocks_that_drift_apart_expire_nobody(replica: Replica) -> None:
    await replica.expire()
    await replica.expire()
    session = await replica.register("agent.1")
    await replica.run_out(session)
    replica.stall_detector._limit = 100.0  # no stall of ours: our clock ran ahead of Redis'
    # By more than this test may take, as Redis' own clock goes on meanwhile.
    replica.clock.advance(60.0)
    assert (await replica.leases.claim_expired(10)).state is LeaseStoreState.DRIFTED
    await replica.expire()
    assert (await replica.leases.claim_expired(10)).state is LeaseStoreState.STEADY, "seeded again"
    await replica.expire()
    assert (await replica.get("agent.1")).status is ParticipantStatus.REGISTERED


async def test_a_replica_that_stalled_extends_instead_of_failing(replica: Replica) -> None:
    await replica.expire()
    session = await replica.register("agent.1")
    await replica.run_out(session)
    replica.clock.advance(TERMS.margin + 0.1)  # nothing looked for so long
    await replica.expire()
    assert (await replica.get("agent.1")).status is ParticipantStatus.REGISTERED
    # A deadline from before the stall, written now, must not undo the grace.
    replica.context.sessions.rewrite_deadline(session)
    await replica.write()
    assert (await replica.leases.claim_expired(10)).claims == ()
    await replica.expire()
    assert (await replica.get("agent.1")).status is ParticipantStatus.REGISTERED


async def test_a_beat_that_is_not_written_yet_keeps_its_lease(replica: Replica) -> None:
    await replica.expire()
    session = await replica.register("agent.1")
    await replica.run_out(session)
    replica.context.sessions.record_beats([session], replica.clock.monotonic())
    await replica.expire()
    assert (await replica.get("agent.1")).status is ParticipantStatus.REGISTERED
    await replica.write()
    assert (await replica.leases.claim_expired(10)).claims == ()


async def test_an_older_generations_lease_fails_nobody(replica: Replica) -> None:
    await replica.expire()
    older = await replica.register("agent.1")
    await replica.register("agent.1")
    await replica.leases.write({older.lease: -1.0})
    await replica.expire()
    row = await replica.get("agent.1")
    assert (row.status, row.generation) == (ParticipantStatus.REGISTERED, 2)
    assert await events(replica, "PARTICIPANT_FAILED") == []


async def test_one_that_retires_and_dies_stays_retiring_and_is_not_waited_for(
    replica: Replica,
) -> None:
    await replica.expire()
    session = await replica.register("agent.1")
    operator = call_of("operator", tenant=replica.tenant)
    await BeginRetirement(replica.context)(operator, "agent.1", "retire.1", "graceful")
    assert session.lease in await replica.claims.lease_holders()
    await replica.run_out(session)
    await replica.expire()
    row = await replica.get("agent.1")
    assert (row.status, row.status_reason) == (ParticipantStatus.RETIRING, "participant_failed")
    [event] = await events(replica, "PARTICIPANT_FAILED")
    assert (event["previous_state"], event["new_state"]) == ("retiring", "retiring")
    assert session.lease not in await replica.claims.lease_holders()


async def test_an_unleased_participant_never_expires(replica: Replica) -> None:
    await replica.expire()
    lease = LeaseKey(replica.tenant, "human.1", 1)
    call = replica.call("human.1", participant_type="human")
    declaration = Declaration(id="human.1", type="human", owner="acme")
    await RegisterParticipant(replica.context)(call, declaration)
    assert lease not in await replica.claims.lease_holders()
    await replica.leases.write({lease: -1.0})
    await replica.expire()
    assert (await replica.get("human.1")).status is ParticipantStatus.ACTIVE


async def test_a_sweep_says_when_the_next_lease_can_expire(replica: Replica) -> None:
    await replica.leases.mark_seeded()
    assert (await replica.leases.claim_expired(10)).next_in is None
    leases = [LeaseKey(replica.tenant, f"agent.{number}", 1) for number in range(3)]
    await replica.leases.write({leases[0]: 3600.0, leases[1]: 1800.0})
    left = (await replica.leases.claim_expired(10)).next_in
    assert left is not None
    assert 900 < left <= 1800
    await replica.leases.write({leases[2]: -1.0})
    sweep = await replica.leases.claim_expired(10)
    assert [claim.lease for claim in sweep.claims] == [leases[2]]
    assert sweep.next_in is not None
    assert sweep.next_in <= CLAIM_SECONDS, "a claim that nobody acts on lapses"


async def test_the_rest_after_a_sweep_is_bounded_and_unknown_after_seeding(
    replica: Replica,
) -> None:
    assert await replica.expire() is None
    rest = await replica.expire()
    assert rest is not None
    assert 0 <= rest <= TERMS.ttl / RESTS_PER_LEASE


async def test_a_claim_is_removed_only_while_it_is_still_the_claims(replica: Replica) -> None:
    await replica.leases.mark_seeded()
    lease = LeaseKey(replica.tenant, "agent.1", 1)
    await replica.leases.write({lease: -1.0})
    [claim] = (await replica.leases.claim_expired(10)).claims
    assert (await replica.leases.claim_expired(10)).claims == (), "claimed for a while"
    await replica.leases.write({lease: -2.0})  # a beat came meanwhile, and ran out as well
    await replica.leases.release([claim])
    [again] = (await replica.leases.claim_expired(10)).claims
    assert again.lease == lease
    await replica.leases.release([again])
    await replica.leases.release([replace(again, score=again.score + 1)])
    assert (await replica.leases.claim_expired(10)).claims == ()


async def test_a_claim_that_has_aged_is_not_acted_upon(replica: Replica) -> None:
    await replica.expire()
    session = await replica.register("agent.1")
    await replica.run_out(session)
    asked = replica.clock.monotonic()
    replica.clock.advance(CLAIM_SECONDS)
    session.lease_from = asked - 100.0
    await replica.expire._fail([LeaseClaim(session.lease, 1)], asked)
    assert (await replica.get("agent.1")).status is ParticipantStatus.REGISTERED


async def test_many_expire_in_one_sweep_each_with_its_event(replica: Replica) -> None:
    await replica.expire()
    members = [await replica.register(f"agent.{number}") for number in range(120)]
    await replica.run_out(*members)
    await replica.expire()
    assert len(await events(replica, "PARTICIPANT_FAILED")) == 120
    assert len(replica.context.sessions) == 0


async def test_the_suspended_hold_no_lease_and_their_heartbeats_change_nothing(
    replica: Replica,
) -> None:
    session = await replica.register("agent.1")
    operator = call_of("operator", tenant=replica.tenant)
    stream = RecordingStream()
    replica.context.sessions.attach(session, stream, 0)
    await SuspendParticipant(replica.context)(operator, "agent.1", "under review")
    assert stream.losses == [(0, LeaseLostReason.SUSPENDED)]
    assert session.lease not in await replica.claims.lease_holders()
    await serving(replica, session)
    assert (await replica.get("agent.1")).status is ParticipantStatus.SUSPENDED


async def test_a_lease_that_is_said_to_be_over_ends_whatever_beats_it_gets(
    replica: Replica, redis_client: Redis
) -> None:
    name = new_id("leases")
    end = EndLeases(replica.expire, RedisEndedLeases(redis_client, name))
    await end()  # the first look seeds
    first, other = await replica.register("agent.1"), await replica.register("agent.2")
    stream = RecordingStream()
    replica.context.sessions.attach(first, stream, 4)
    for session in (first, other):
        await serving(replica, session)
    await replica.write()
    await end()
    assert (await replica.get("agent.1")).status is ParticipantStatus.ACTIVE

    member = f"{replica.tenant}/agent.1/{first.generation}"
    await redis_client.sadd(f"{name}:ended", member)
    await end()
    await end()

    row = await replica.get("agent.1")
    assert (row.status, row.status_reason) == (ParticipantStatus.FAILED, "participant_failed")
    assert len(await events(replica, "PARTICIPANT_FAILED")) == 1
    assert stream.losses == [(4, LeaseLostReason.EXPIRED)]
    assert (await replica.get("agent.2")).status is ParticipantStatus.ACTIVE
