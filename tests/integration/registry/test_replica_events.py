"""Two registries beside each other: an event on the bus brings each what the other did."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from phoenix_dma.v1 import registry_pb2, session_pb2
from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.chassis.ids import new_id
from registry_svc.usecases.sessions import wait_for_directives
from tests.integration.registry.conftest import STEWARD, OpenRegistry, Registry
from tests.support.waiting.until import PATIENCE, until

Pair = tuple[Registry, Registry]


@pytest_asyncio.fixture
async def pair(open_registry: OpenRegistry, redis_client: Redis) -> Pair:
    """Two whole registries, each on a port of its own, that both listen to the bus by now."""
    shared = new_id("leases")
    made = await open_registry(lease_name=shared), await open_registry(lease_name=shared)

    async def both_listen() -> bool:
        clients = await redis_client.client_list()
        return [one["cmd"] for one in clients if "b" in one["flags"]].count("xread") >= len(made)

    await until(both_listen)
    return made


@pytest.mark.parametrize("given_to", [0, 1])
async def test_a_directive_is_delivered_by_the_replica_with_the_stream(
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
    received = await stream.receive_a("directive")
    assert received.directive_id == order.directive_id


@pytest.mark.parametrize("given_to", [0, 1])
async def test_a_directive_ends_the_wait_at_whichever_replica(
    pair: Pair, given_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait_for_directives, "LONGEST_WAIT", 3600.0)
    await pair[0].register()
    request = session_pb2.WaitForDirectivesRequest(participant_id=STEWARD)
    request.wait.FromSeconds(3600)
    waiting = asyncio.create_task(answered(pair[1], request))
    order = session_pb2.Directive(
        directive_id=new_id("directive"),
        participant_id=STEWARD,
        action=session_pb2.DIRECTIVE_ACTION_DRAIN,
    )
    await pair[given_to].send(order)
    assert await waiting == [order.directive_id]


async def answered(registry: Registry, request: session_pb2.WaitForDirectivesRequest) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        answer = await registry.sessions.WaitForDirectives(request, metadata=registry.participant())
    return [one.directive_id for one in answer.directives]


async def test_a_suspension_ends_the_session_at_the_other_replica(pair: Pair) -> None:
    await suspend_at_the_other(pair)


async def suspend_at_the_other(pair: Pair) -> None:
    """Suspend at the first replica; the session at the second ends."""
    await pair[0].register()
    stream = pair[1].stream()
    await stream.attach()
    await stream.beat()
    request = registry_pb2.SuspendParticipantRequest(participant_id=STEWARD, reason="a check")
    await pair[0].registry.SuspendParticipant(request, metadata=pair[0].person("operator"))
    lost = await stream.receive_a("lease_lost")
    assert lost.reason == session_pb2.LEASE_LOST_REASON_SUSPENDED


@pytest.mark.parametrize(
    "nonsense",
    [{"state": "in love"}, {"facts": {"load": "much"}}, {"facts": {"load": [1]}}],
)
async def test_a_bus_event_that_makes_no_sense_is_ignored(
    pair: Pair, redis_client: Redis, nonsense: dict[str, Any]
) -> None:
    fields = {"state": "serving", "participant": STEWARD, **nonsense}
    time = datetime.now(UTC)
    bus_event = BusEvent(
        tenant=pair[0].tenant,
        type="HEARTBEAT",
        event_id="e",
        time=time,
        service="registry",
        **fields,
    )
    await Bus(redis_client).publish([bus_event])
    await suspend_at_the_other(pair)


async def test_a_new_generation_supersedes_the_session_at_the_other_replica(pair: Pair) -> None:
    await pair[0].register()
    stream = pair[0].stream()
    await stream.attach()
    await stream.beat()
    await pair[1].register()
    lost = await stream.receive_a("lease_lost")
    assert lost.reason == session_pb2.LEASE_LOST_REASON_SUPERSEDED


async def test_a_degradation_that_another_replica_wrote_ends_with_the_next_heartbeat(
    pair: Pair,
) -> None:
    await pair[0].register()
    stream = pair[1].stream()
    await stream.attach()
    await stream.beat()

    async def is_in(state: int) -> bool:
        return bool((await pair[0].get()).status == state)

    await until(lambda: is_in(registry_pb2.PARTICIPANT_STATUS_ACTIVE))
    poorly = session_pb2.HEALTH_STATE_DEGRADED
    beat = session_pb2.HeartbeatRequest(participant_id=STEWARD, status=poorly)
    await pair[0].sessions.Heartbeat(beat, metadata=pair[0].participant())
    assert await is_in(registry_pb2.PARTICIPANT_STATUS_DEGRADED)

    async def active() -> bool:
        await stream.beat(unchanged=[0])
        return await is_in(registry_pb2.PARTICIPANT_STATUS_ACTIVE)

    await until(active)


async def test_a_heartbeat_is_seen_at_the_other_replica(pair: Pair) -> None:
    await pair[0].register()
    stream = pair[1].stream()
    await stream.attach()
    await stream.beat(session_pb2.Beat(slot=0, load=0.75, state=session_pb2.HEALTH_STATE_SERVING))

    async def seen() -> bool:
        found = await pair[0].get()
        return bool(found.load == 0.75 and found.HasField("last_heartbeat"))

    await until(seen)
