"""Two registries beside each other: what one of them hears, changes or is given, both know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from phoenix_dma.v1 import registry_pb2, session_pb2
from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.wakeup import WakeUp
from registry_svc.domain.ports import Sign, SweepState
from registry_svc.domain.presence import Key, LeaseKey, Presence
from registry_svc.domain.vitals import HealthState, Report
from registry_svc.usecases.abreast import KeepAbreast
from registry_svc.usecases.change_standing import SuspendParticipant
from registry_svc.usecases.directives import Mail
from registry_svc.usecases.health import HealthNotes, NoticeSilence, Silence
from registry_svc.usecases.leases import AnnounceBeats
from tests.integration.registry.conftest import STEWARD, OpenRegistry, Registry
from tests.integration.registry.rooms import TERMS, Replica, Rooms
from tests.support.builders.calls import call_of
from tests.support.waiting.until import until

Pair = tuple[Registry, Registry]
RoomPair = tuple[Rooms, Rooms]
ACTIVE = ParticipantStatus.ACTIVE


class ToldNews:
    """Notes of whose beats it was told."""

    def __init__(self) -> None:
        self.signs: list[Sign] = []

    async def heartbeats(self, signs: Sequence[Sign]) -> None:
        """See the port."""
        self.signs += signs

    async def mail(self, keys: Sequence[Key]) -> None:
        """See the port."""
        raise AssertionError(keys)


@pytest_asyncio.fixture
async def pair(open_registry: OpenRegistry, redis_client: Redis) -> Pair:
    """As they run: each on a port of its own, with loops and news, which both hear by now."""
    shared = new_id("leases")
    made = await open_registry(lease_name=shared), await open_registry(lease_name=shared)

    async def both_listen() -> bool:
        clients = await redis_client.client_list()
        return [one["cmd"] for one in clients if "b" in one["flags"]].count("xread") >= len(made)

    await until(both_listen)
    return made


@pytest_asyncio.fixture
async def rooms_of_two(replica: Replica) -> RoomPair:
    """Their use cases alone; nothing happens by itself."""
    return await replica("replica.1"), await replica("replica.2")


async def active(rooms: Rooms, presence: Presence) -> None:
    """It has beaten there."""
    rooms.parts.attendance.beat(
        presence, rooms.clock.monotonic(), Report(state=HealthState.SERVING)
    )
    await rooms.settle()


async def also_at(rooms: Rooms, lease: LeaseKey) -> Presence:
    """The same participant, as another replica comes to know it."""
    row = await rooms.get(lease.participant_id)
    now = rooms.clock.monotonic()
    return rooms.parts.attendance.expect(lease, row.status, leased=True, now=now)


# News ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("given_to", [0, 1])
async def test_a_directive_is_delivered_by_whoever_has_the_stream(
    pair: Pair, given_to: int
) -> None:
    await pair[0].register()
    stream = pair[1].stream()
    await stream.attach()
    await stream.beat()
    order = session_pb2.Directive(
        directive_id=new_id("directive"),
        participant_id=STEWARD,
        action=session_pb2.DIRECTIVE_ACTION_DRAIN,
    )
    assert await pair[given_to].send(order) == 1
    told = await stream.hear_a("directive")
    assert told.directive_id == order.directive_id


async def test_a_suspension_ends_the_session_at_the_other_replica(pair: Pair) -> None:
    await a_suspension_is_told(pair)


async def a_suspension_is_told(pair: Pair) -> None:
    """Suspended at the one, the session at the other ends."""
    await pair[0].register()
    stream = pair[1].stream()
    await stream.attach()
    await stream.beat()
    request = registry_pb2.SuspendParticipantRequest(participant_id=STEWARD, reason="a check")
    await pair[0].registry.SuspendParticipant(request, metadata=pair[0].person("operator"))
    lost = await stream.hear_a("lease_lost")
    assert lost.reason == session_pb2.LEASE_LOST_REASON_SUSPENDED


@pytest.mark.parametrize(
    "nonsense",
    [{"state": "in love"}, {"facts": {"load": "much"}}, {"facts": {"load": [1]}}],
)
async def test_news_that_makes_no_sense_is_passed_over(
    pair: Pair, redis_client: Redis, nonsense: dict[str, Any]
) -> None:
    said = {"state": "serving", "participant": STEWARD, **nonsense}
    time = datetime.now(UTC)
    bus_event = BusEvent(
        tenant=pair[0].tenant, type="HEARTBEAT", event_id="e", time=time, service="registry", **said
    )
    await Bus(redis_client).publish([bus_event])
    await a_suspension_is_told(pair)


async def test_a_new_generation_supersedes_the_session_at_the_other_replica(pair: Pair) -> None:
    await pair[0].register()
    stream = pair[0].stream()
    await stream.attach()
    await stream.beat()
    await pair[1].register()
    lost = await stream.hear_a("lease_lost")
    assert lost.reason == session_pb2.LEASE_LOST_REASON_SUPERSEDED


async def test_a_degradation_that_another_replica_wrote_is_mended_by_the_next_beat(
    pair: Pair,
) -> None:
    await pair[0].register()
    stream = pair[1].stream()
    await stream.attach()
    await stream.beat()

    async def is_in(state: int) -> bool:
        return bool((await pair[0].get()).status == state)

    await until(lambda: is_in(registry_pb2.PARTICIPANT_STATUS_ACTIVE), 10)
    poorly = session_pb2.HEALTH_STATE_DEGRADED
    beat = session_pb2.HeartbeatRequest(participant_id=STEWARD, status=poorly)
    await pair[0].sessions.Heartbeat(beat, metadata=pair[0].participant())
    assert await is_in(registry_pb2.PARTICIPANT_STATUS_DEGRADED)

    async def mended() -> bool:
        await stream.beat(unchanged=[0])
        return await is_in(registry_pb2.PARTICIPANT_STATUS_ACTIVE)

    await until(mended, 10)


async def test_a_beat_is_seen_by_whoever_asks_the_other_replica(pair: Pair) -> None:
    await pair[0].register()
    stream = pair[1].stream()
    await stream.attach()
    await stream.beat(session_pb2.Beat(slot=0, load=0.75, state=session_pb2.HEALTH_STATE_SERVING))

    async def seen() -> bool:
        found = await pair[0].get()
        return bool(found.load == 0.75 and found.HasField("last_heartbeat"))

    await until(seen, 10)


# Without news --------------------------------------------------------------------------------


async def test_what_news_did_not_bring_the_slow_round_finds(rooms_of_two: RoomPair) -> None:
    here, there = rooms_of_two
    presence = await here.register("agent.1")
    await active(here, presence)
    other = await also_at(there, presence.lease)
    operator = call_of("operator", tenant=here.tenant)
    await SuspendParticipant(here.parts)(operator, "agent.1", "a check")
    assert there.parts.attendance.get(other.key) is other
    await KeepAbreast(there.parts, Mail(WakeUp()), WakeUp())()
    assert there.parts.attendance.get(other.key) is None


async def test_who_is_silent_here_and_heard_there_misses_nothing_and_is_forgotten_here(
    rooms_of_two: RoomPair,
) -> None:
    here, there = rooms_of_two
    presence = await here.register("agent.1")
    await active(here, presence)
    presence.lease_from = here.clock.monotonic() - TERMS.missed_after - 1
    other = await also_at(there, presence.lease)
    there.parts.attendance.beat(other, there.clock.monotonic(), Report())
    await there.write()
    await silence_at(here)
    assert (await here.get("agent.1")).status is ACTIVE
    assert here.parts.attendance.get(presence.key) is None
    assert here.parts.attendance.vitals(presence.key).last_beat is not None


async def test_who_is_silent_at_every_replica_has_missed_a_beat(rooms_of_two: RoomPair) -> None:
    here, there = rooms_of_two
    presence = await here.register("agent.1")
    await active(here, presence)
    other = await also_at(there, presence.lease)
    for rooms, one in ((there, other), (here, presence)):
        one.lease_from = rooms.clock.monotonic() - TERMS.missed_after - 1
        await rooms.leases.write({one.lease: one.lease_from + TERMS.ttl - rooms.clock.monotonic()})
    await silence_at(here)
    assert (await here.get("agent.1")).status is ParticipantStatus.DEGRADED


async def test_a_deadline_of_its_own_that_was_written_late_is_nobody_elses(
    rooms_of_two: RoomPair,
) -> None:
    here, _ = rooms_of_two
    presence = await here.register("agent.1")
    await active(here, presence)
    now = here.clock.monotonic()
    presence.lease_from = now - TERMS.missed_after - 1
    late = presence.lease_from + TERMS.margin / 2
    await here.leases.write({presence.lease: late + TERMS.ttl - now})
    await silence_at(here)
    assert (await here.get("agent.1")).status is ParticipantStatus.DEGRADED
    assert here.parts.attendance.get(presence.key) is presence


async def test_what_was_heard_elsewhere_is_not_announced_again_from_here(
    rooms_of_two: RoomPair,
) -> None:
    here, _ = rooms_of_two
    presence = await here.register("agent.1")
    await active(here, presence)
    beaten = await here.write()
    own = presence.vitals(None)
    here.clock.advance(1.0)
    here.parts.attendance.heard_of(presence.key, replace(own, last_beat=here.clock.monotonic()))
    told = ToldNews()
    await AnnounceBeats(here.parts, told)(beaten)
    assert [sign.vitals for sign in told.signs] == [own]


async def test_a_replica_that_is_late_costs_nobody_his_lease(rooms_of_two: RoomPair) -> None:
    here, there = rooms_of_two
    await here.seed()
    presence = await there.register("agent.1")
    await there.leases.watching(0.0)
    await there.leases.write({presence.lease: -1.0})
    assert (await here.leases.sweep(10)).state is SweepState.UNWATCHED
    await here.expire()
    left = await here.leases.left([presence.lease])
    assert left[presence.lease] == pytest.approx(TERMS.ttl, abs=5)
    # Made up for once: who stays silent after that has no excuse any more.
    await here.leases.write({presence.lease: -1.0})
    await here.expire()
    assert (await here.get("agent.1")).status is ParticipantStatus.FAILED


async def test_a_replica_does_not_wait_for_itself(rooms_of_two: RoomPair) -> None:
    here, _ = rooms_of_two
    await here.seed()
    await here.leases.watching(0.0)
    assert (await here.leases.sweep(10)).state is SweepState.STEADY


async def test_an_older_row_moves_nobody(rooms_of_two: RoomPair) -> None:
    here, _ = rooms_of_two
    presence = await here.register("agent.1")
    newer = here.parts.attendance.expect(
        LeaseKey(here.tenant, "agent.1", presence.generation + 1),
        ACTIVE,
        leased=True,
        now=here.clock.monotonic(),
    )
    abreast = KeepAbreast(here.parts, Mail(WakeUp()), WakeUp())
    abreast.registered(newer.key)
    await abreast()
    assert here.parts.attendance.get(newer.key) is newer
    assert newer.status is ACTIVE


async def silence_at(rooms: Rooms) -> None:
    """Look there for who has missed a beat."""
    rooms.vigil.floor = float("-inf")
    parts = rooms.parts
    silence = Silence(parts, rooms.leases, rooms.vigil, TERMS)
    await NoticeSilence(parts, HealthNotes(parts), silence, TERMS)()
