from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma.v1 import registry_pb2, session_pb2
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from tests.integration.registry.conftest import STEWARD, OpenRegistry, Registry, Stream
from tests.support.waiting.until import until

ACTIVE = registry_pb2.PARTICIPANT_STATUS_ACTIVE
DEGRADED = registry_pb2.PARTICIPANT_STATUS_DEGRADED


def becoming(
    registry: Registry, status: int, participant_id: str = STEWARD
) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return bool((await registry.get(participant_id)).status == status)

    return reached


async def joined(registry: Registry, participant_id: str = STEWARD) -> Stream:
    """Registered, attached, ACTIVE."""
    await registry.register(participant_id)
    stream = registry.stream(registry.participant(participant_id))
    await stream.attach(participant_id)
    await stream.beat()
    await until(becoming(registry, ACTIVE, participant_id))
    return stream


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


async def test_attaching_somebody_else_by_the_calls_credential_closes_the_stream(
    registry: Registry,
) -> None:
    await registry.register("agent.other")
    stream = registry.stream()
    await stream.send(attach=session_pb2.Attach(participant_id="agent.other", generation=1))
    assert (await stream.refusal()).reason == "NOT_PERMITTED"
    [event] = await registry.events("ACCESS_REFUSED")
    assert event["detail"]["attempted"] == "session.attach"


async def test_a_bad_credential_in_an_attach_harms_nobody_else_on_the_stream(
    registry: Registry,
) -> None:
    stream = await joined(registry)
    await registry.register("agent.other")
    somebodys = registry.token("participant", sub=STEWARD, participant=STEWARD)
    for credential in ("rubbish", somebodys):
        lost = (await stream.attach("agent.other", credential=credential)).lease_lost
        assert (lost.slot, lost.reason) == (-1, session_pb2.LEASE_LOST_REASON_CREDENTIAL)
    assert await stream.beat() > 1
    assert len(await registry.events("ACCESS_REFUSED")) == 1


async def test_a_stream_that_changes_its_identity_midway_is_closed_and_audited(
    registry: Registry,
) -> None:
    stream = await joined(registry)
    other = registry.token("participant", sub="agent.other", participant="agent.other")
    await stream.send(refresh=session_pb2.Refresh(slot=0, credential=other))
    assert (await stream.refusal()).reason == "NOT_PERMITTED"
    [event] = await registry.events("ACCESS_REFUSED")
    assert event["detail"]["attempted"] == "session.refresh"


async def test_a_credential_of_another_tenant_closes_the_stream(registry: Registry) -> None:
    stream = await joined(registry)
    foreign = registry.token(
        "participant", sub=STEWARD, participant=STEWARD, tenant="tenant.somebody-else"
    )
    attach = session_pb2.Attach(participant_id=STEWARD, generation=1, credential=foreign)
    await stream.send(attach=attach)
    assert (await stream.refusal()).reason == "NOT_PERMITTED"


async def test_a_lapsed_credential_loses_its_slot_only(registry: Registry) -> None:
    stream = await joined(registry)
    await registry.register("agent.other")

    async def attached() -> int:
        # Its times are whole seconds, so that it may have lapsed before it is read.
        short = registry.token(
            "participant", sub="agent.other", participant="agent.other",
            life=timedelta(seconds=1),
        )  # fmt: skip
        return int((await stream.attach("agent.other", credential=short)).lease.slot)

    slot = await until(attached)

    async def lost() -> bool:
        await stream.send(beats=session_pb2.Beats(seq=stream.seq, unchanged=[0, slot]))
        message = await stream.receive()
        return message.lease_lost.reason == session_pb2.LEASE_LOST_REASON_CREDENTIAL

    await until(lost)
    await stream.beat()


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


async def test_without_a_credential_no_stream_opens(registry: Registry) -> None:
    with pytest.raises(AioRpcError) as refused:
        await registry.sessions.KeepAlive().read()
    assert refused.value.code() is StatusCode.UNAUTHENTICATED


async def test_a_silent_participant_is_degraded_and_comes_back(open_registry: OpenRegistry) -> None:
    registry = await open_registry(
        lease_ttl=timedelta(seconds=30), heartbeat_interval=timedelta(seconds=0.4)
    )
    await registry.register()
    stream = registry.stream()
    await stream.attach()

    async def told(changes: int) -> bool:
        # The state itself is there for half a second only.
        return len(await registry.events("PARTICIPANT_HEALTH")) >= changes

    await stream.beat()
    await until(lambda: told(2))
    await stream.beat()
    await until(lambda: told(3))
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


def directive(directive_id: str, participant_id: str = STEWARD) -> session_pb2.Directive:
    return session_pb2.Directive(
        directive_id=directive_id,
        action=session_pb2.DIRECTIVE_ACTION_START_TASK,
        participant_id=participant_id,
        task_id="task.1",
        epoch=3,
        facts={"reason": "test"},
    )


async def test_a_directive_comes_down_the_stream_until_it_is_acknowledged(
    open_registry: OpenRegistry,
) -> None:
    registry = await open_registry(redelivery=timedelta(seconds=0.3))
    stream = await joined(registry)
    assert await registry.send(directive("directive.1")) == 1
    assert await registry.send(directive("directive.1"), directive("directive.2")) == 1
    first = await stream.receive_a("directive")
    assert (first.directive_id, first.epoch, first.facts["reason"]) == ("directive.1", 3, "test")
    seen = [first.directive_id]
    while seen.count("directive.1") < 2 or seen.count("directive.2") < 2:
        seen.append((await stream.receive_a("directive")).directive_id)
    for one in ("directive.1", "directive.2"):
        await stream.send(directive_ack=session_pb2.DirectiveAck(directive_id=one, slot=0))

    async def all_taken() -> bool:
        request = session_pb2.HeartbeatRequest(participant_id=STEWARD)
        answer = await registry.sessions.Heartbeat(request, metadata=registry.participant())
        return not answer.directives

    await until(all_taken)


async def test_directives_wait_for_who_is_not_there_and_come_in_order(registry: Registry) -> None:
    await registry.register()
    await registry.send(*(directive(f"directive.{number}") for number in range(40)))
    stream = registry.stream()
    await stream.attach()
    seen = []
    for _ in range(40):
        one = await stream.receive_a("directive")
        seen.append(one.directive_id)
        await stream.send(
            directive_ack=session_pb2.DirectiveAck(directive_id=one.directive_id, slot=0)
        )
    assert seen == [f"directive.{number}" for number in range(40)]


async def test_nobody_acknowledges_what_is_somebody_elses(registry: Registry) -> None:
    stream = await joined(registry)
    await registry.register("agent.other")
    await registry.send(directive("directive.1", "agent.other"))
    await stream.send(directive_ack=session_pb2.DirectiveAck(directive_id="directive.1", slot=0))
    other = registry.stream(registry.participant("agent.other"))
    await other.attach("agent.other")
    assert (await other.receive_a("directive")).directive_id == "directive.1"


async def test_a_reader_that_stops_reading_is_cut(open_registry: OpenRegistry) -> None:
    registry = await open_registry(
        reader_patience=timedelta(seconds=0.5),
        redelivery=timedelta(seconds=0.05),
        options=[("grpc.http2.bdp_probe", 0)],
    )
    stream = await joined(registry)
    for number in range(32):
        one = directive(f"directive.{number}")
        one.facts["text"] = "x" * 4000
        await registry.send(one)

    async def suspect() -> bool:
        return bool((await registry.get()).suspect)

    await until(suspect)
    assert (await stream.refusal()).reason == "QUOTA_EXCEEDED"
    again = registry.stream()
    assert (await again.attach()).lease.participant_id == STEWARD
