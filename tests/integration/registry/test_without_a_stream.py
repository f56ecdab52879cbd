"""A participant without a stream: it waits for directives, leaves, and learns why it is gone."""

import asyncio
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from grpc.aio import AioRpcError

from phoenix_dma.v1 import registry_pb2, session_pb2
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.core.errors import Refused
from registry_svc.usecases.sessions import wait_for_directives
from tests.integration.registry.conftest import STEWARD, Registry
from tests.integration.registry.sessions import directive
from tests.support.waiting.until import PATIENCE, until

AN_HOUR = Duration(seconds=3600)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call wait for so long that only a directive can end it."""
    monkeypatch.setattr(wait_for_directives, "LONGEST_WAIT", 3600.0)


async def waited(registry: Registry, *known: str, wait: Duration | None = None) -> list[str]:
    """The ids of the directives that the steward's call answers."""
    request = session_pb2.WaitForDirectivesRequest(
        participant_id=STEWARD, wait=wait, known_directives=known
    )
    async with asyncio.timeout(PATIENCE):
        answer = await registry.sessions.WaitForDirectives(request, metadata=registry.participant())
    return [one.directive_id for one in answer.directives]


async def refused(registry: Registry, beat: session_pb2.HeartbeatRequest) -> Refused:
    """The refusal of a beat."""
    with pytest.raises(AioRpcError) as error:
        await registry.sessions.Heartbeat(beat, metadata=registry.participant())
    return refusal_of(error.value)


async def beat(registry: Registry, **fields: Any) -> Any:
    request = session_pb2.HeartbeatRequest(participant_id=STEWARD, **fields)
    return await registry.sessions.Heartbeat(request, metadata=registry.participant())


@pytest.mark.usefixtures("patient")
async def test_what_waits_already_is_answered_at_once(registry: Registry) -> None:
    await registry.register()
    await registry.send(directive("directive.1"), directive("directive.2"))
    assert await waited(registry, wait=AN_HOUR) == ["directive.1", "directive.2"]
    assert await waited(registry, "directive.1", wait=AN_HOUR) == ["directive.2"]


@pytest.mark.usefixtures("patient")
async def test_a_directive_that_arrives_ends_the_wait(registry: Registry) -> None:
    await registry.register()
    await registry.register("agent.other")
    await registry.send(directive("directive.1"))
    waiting = asyncio.create_task(waited(registry, "directive.1", wait=AN_HOUR))
    await registry.send(directive("directive.2", "agent.other"))
    await registry.send(directive("directive.3"))
    assert await waiting == ["directive.3"]


@pytest.mark.usefixtures("patient")
async def test_a_directive_ends_the_wait_of_who_has_a_stream_as_well(registry: Registry) -> None:
    await registry.register()
    stream = registry.stream()
    await stream.attach()
    waiting = asyncio.create_task(waited(registry, wait=AN_HOUR))
    await registry.send(directive("directive.1"))
    assert await waiting == ["directive.1"]
    assert (await stream.receive_a("directive")).directive_id == "directive.1"


async def test_without_a_directive_the_wait_ends_empty(registry: Registry) -> None:
    await registry.register()
    assert await waited(registry) == []
    assert await waited(registry, wait=Duration(nanos=1_000_000)) == []
    await registry.send(directive("directive.1"))
    await beat(registry, acknowledged_directives=["directive.1"])

    async def taken() -> bool:
        return await waited(registry) == []

    await until(taken)


async def test_nobody_waits_for_what_is_somebody_elses(registry: Registry) -> None:
    await registry.register()
    request = session_pb2.WaitForDirectivesRequest(participant_id=STEWARD)
    with pytest.raises(AioRpcError) as error:
        await registry.sessions.WaitForDirectives(
            request, metadata=registry.participant("agent.other")
        )
    assert refusal_of(error.value).reason == "NOT_PERMITTED"
    assert len(await registry.events("ACCESS_REFUSED")) == 1


async def test_who_is_not_registered_waits_for_nothing(registry: Registry) -> None:
    with pytest.raises(AioRpcError) as error:
        await waited(registry)
    assert refusal_of(error.value).reason == "RESOURCE_NOT_FOUND"


async def test_a_last_beat_leaves(registry: Registry) -> None:
    await registry.register()
    await beat(registry)
    assert (await beat(registry, leaving=True)).status == "failed"
    found = await registry.get()
    assert found.status == registry_pb2.PARTICIPANT_STATUS_FAILED
    assert found.status_reason == "participant_left"
    lost = await refused(registry, session_pb2.HeartbeatRequest(participant_id=STEWARD))
    assert (lost.reason, lost.facts["lease_lost"]) == ("ILLEGAL_TRANSITION", "expired")


async def test_a_refused_beat_says_why_the_lease_is_lost(registry: Registry) -> None:
    unknown = session_pb2.HeartbeatRequest(participant_id=STEWARD, generation=1)
    lost = await refused(registry, unknown)
    assert (lost.reason, lost.facts["lease_lost"]) == ("RESOURCE_NOT_FOUND", "unknown")
    await registry.register()
    await registry.register()
    older = session_pb2.HeartbeatRequest(participant_id=STEWARD, generation=1)
    assert (await refused(registry, older)).facts["lease_lost"] == "superseded"
    request = registry_pb2.SuspendParticipantRequest(participant_id=STEWARD, reason="a check")
    await registry.registry.SuspendParticipant(request, metadata=registry.person("operator"))
    newest = session_pb2.HeartbeatRequest(participant_id=STEWARD)
    assert (await refused(registry, newest)).facts["lease_lost"] == "suspended"
