"""Attaching, superseding, leaving: one KeepAlive stream and its slots."""

import pytest

from phoenix_dma.v1 import registry_pb2, session_pb2
from tests.integration.registry.conftest import STEWARD, Registry
from tests.integration.registry.sessions import ACTIVE, becoming, joined
from tests.support.waiting.until import until


async def test_attach_grants_a_lease_and_the_first_beat_makes_active(registry: Registry) -> None:
    await registry.register()
    stream = registry.stream()
    lease = (await stream.attach()).lease
    assert (lease.slot, lease.participant_id) == (0, STEWARD)
    assert (lease.ttl.seconds, lease.interval.seconds) == (599, 180)
    assert (await registry.get()).status == registry_pb2.PARTICIPANT_STATUS_REGISTERED
    assert await stream.beat() == 1
    await until(becoming(registry, ACTIVE))
    assert await stream.beat() == 2
    [event] = await registry.events("PARTICIPANT_HEALTH")
    assert (event["previous_state"], event["new_state"]) == ("registered", "active")
    assert event["detail"]["beats_kept"] == 1
    assert (await registry.get()).HasField("last_heartbeat")


async def test_many_participants_share_a_stream_each_by_its_own_credential(
    registry: Registry,
) -> None:
    ids = [f"agent.{number}" for number in range(5)]
    for one in ids:
        await registry.register(one)
    stream = registry.stream(registry.participant(ids[0]))
    for slot, one in enumerate(ids):
        credential = registry.token(
            "participant", sub=one, participant=one, participant_type="agent",
            owner="data-governance",
        )  # fmt: skip
        assert (await stream.attach(one, credential=credential)).lease.slot == slot
    beat = session_pb2.Beat(slot=0, load=0.5, state=session_pb2.HEALTH_STATE_SERVING)
    await stream.beat(beat, unchanged=[1, 2, 3, 4])
    await stream.beat(
        *(session_pb2.Beat(slot=slot, state=session_pb2.HEALTH_STATE_SERVING) for slot in range(5))
    )
    for one in ids:
        await until(becoming(registry, ACTIVE, one))
    assert (await registry.get(ids[0])).load == pytest.approx(0.5)
    assert len(await registry.events("PARTICIPANT_HEALTH")) == 5


async def test_a_closed_stream_is_a_suspect_mark_and_no_event(registry: Registry) -> None:
    stream = await joined(registry)
    stream.call.cancel()

    async def suspect() -> bool:
        return bool((await registry.get()).suspect)

    await until(suspect)
    assert (await registry.get()).status == ACTIVE
    assert len(await registry.events("PARTICIPANT_HEALTH")) == 1
    again = registry.stream()
    await again.attach()
    assert not (await registry.get()).suspect


async def test_a_newer_generation_supersedes_the_older_for_good(registry: Registry) -> None:
    older = await joined(registry)
    await registry.register()
    newer = registry.stream()
    assert (await newer.attach(generation=2)).lease.slot == 0
    lost = await older.receive_a("lease_lost")
    assert lost.reason == session_pb2.LEASE_LOST_REASON_SUPERSEDED
    refused = (await older.attach(generation=1)).lease_lost
    assert (refused.slot, refused.reason) == (-1, session_pb2.LEASE_LOST_REASON_SUPERSEDED)
    await newer.beat()
    await until(becoming(registry, ACTIVE))


async def test_goodbye_fails_a_participant_at_once_because_it_left(registry: Registry) -> None:
    stream = await joined(registry)
    await stream.send(goodbye=session_pb2.Goodbye(slot=0))
    await until(becoming(registry, registry_pb2.PARTICIPANT_STATUS_FAILED))
    [event] = await registry.events("PARTICIPANT_FAILED")
    assert event["reason_code"] == "participant_left"
    assert (await registry.get()).status_reason == "participant_left"
    assert (await stream.attach()).lease_lost.reason == session_pb2.LEASE_LOST_REASON_EXPIRED


async def test_who_was_never_registered_cannot_attach(registry: Registry) -> None:
    stream = registry.stream()
    assert (await stream.attach()).lease_lost.reason == session_pb2.LEASE_LOST_REASON_UNKNOWN
