"""What heartbeats report, with and without a stream, and what silence means."""

from datetime import timedelta

import pytest
from grpc.aio import AioRpcError

from phoenix_dma.v1 import registry_pb2, session_pb2
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from tests.integration.registry.conftest import STEWARD, OpenRegistry, Registry
from tests.integration.registry.sessions import ACTIVE, DEGRADED, becoming, directive, joined
from tests.support.waiting.until import until


async def test_what_a_beat_says_of_its_health_becomes_the_state(registry: Registry) -> None:
    stream = await joined(registry)
    overloaded = session_pb2.Beat(slot=0, load=1.0, state=session_pb2.HEALTH_STATE_OVERLOADED)
    await stream.beat(overloaded)
    await until(becoming(registry, DEGRADED))
    await stream.beat()
    await until(becoming(registry, ACTIVE))
    events = await registry.events("PARTICIPANT_HEALTH")
    assert [event["new_state"] for event in events] == ["active", "degraded", "active"]
    assert events[1]["detail"]["said"] == "overloaded"
    assert events[1]["detail"]["worst_load"] == 1.0


@pytest.mark.parametrize(
    "beat",
    [
        session_pb2.Beat(slot=0, load=float("nan")),
        session_pb2.Beat(slot=0, load=1.5),
        session_pb2.Beat(slot=7),
        session_pb2.Beat(slot=-1),
    ],
)
async def test_a_beat_that_cannot_be_closes_the_stream(
    registry: Registry, beat: session_pb2.Beat
) -> None:
    stream = await joined(registry)
    await stream.send(beats=session_pb2.Beats(seq=2, beats=[beat]))
    assert (await stream.refusal()).reason == "FIELD_INVALID"


async def test_a_silent_participant_is_degraded_and_comes_back(open_registry: OpenRegistry) -> None:
    registry = await open_registry(
        lease_ttl=timedelta(seconds=30), heartbeat_interval=timedelta(seconds=0.4)
    )
    await registry.register()
    stream = registry.stream()
    await stream.attach()

    async def written(changes: int) -> bool:
        # The state itself is there for half a second only.
        return len(await registry.events("PARTICIPANT_HEALTH")) >= changes

    await stream.beat()
    await until(lambda: written(2))
    await stream.beat()
    await until(lambda: written(3))
    events = (await registry.events("PARTICIPANT_HEALTH"))[:3]
    reasons = [event["reason_code"] for event in events]
    assert reasons == ["health_reported", "heartbeat_missed", "health_reported"]
    assert [event["new_state"] for event in events] == ["active", "degraded", "active"]


async def test_one_beat_without_a_stream_answers_state_and_directives(registry: Registry) -> None:
    await registry.register()
    await registry.send(directive("directive.1"))
    request = session_pb2.HeartbeatRequest(participant_id=STEWARD, load=0.25)
    answer = await registry.sessions.Heartbeat(request, metadata=registry.participant())
    assert answer.status == "active"
    assert [one.directive_id for one in answer.directives] == ["directive.1"]
    request.acknowledged_directives.append("directive.1")
    answer = await registry.sessions.Heartbeat(request, metadata=registry.participant())
    assert list(answer.directives) == []
    assert (await registry.get()).load == pytest.approx(0.25)


async def test_a_beat_for_somebody_else_is_refused_and_audited(registry: Registry) -> None:
    await registry.register()
    request = session_pb2.HeartbeatRequest(participant_id=STEWARD)
    with pytest.raises(AioRpcError) as refused:
        await registry.sessions.Heartbeat(request, metadata=registry.participant("agent.other"))
    assert refusal_of(refused.value).reason == "NOT_PERMITTED"
    assert len(await registry.events("ACCESS_REFUSED")) == 1


async def test_a_beat_revives_nobody(registry: Registry) -> None:
    stream = await joined(registry)
    await stream.send(goodbye=session_pb2.Goodbye(slot=0))
    await until(becoming(registry, registry_pb2.PARTICIPANT_STATUS_FAILED))
    request = session_pb2.HeartbeatRequest(participant_id=STEWARD)
    with pytest.raises(AioRpcError) as refused:
        await registry.sessions.Heartbeat(request, metadata=registry.participant())
    assert refusal_of(refused.value).reason == "ILLEGAL_TRANSITION"
