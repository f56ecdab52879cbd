"""Nothing that a caller can send crashes, leaks an internal, or leaves half a change."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import struct_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma.v1 import identity_pb2, registry_pb2, session_pb2
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.core.json import content_hash
from tests.integration.registry.conftest import STEWARD, Registry, steward
from tests.support.waiting.until import until

NASTY = [
    "a\0b",
    "'; DROP TABLE registry.participant; --",
    "agent.\u202e1",
    "../..",
    "x" * 5000,
    "Ä",
]
REFUSED = {StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND, StatusCode.PERMISSION_DENIED}


def calls(registry: Registry, nasty: str) -> dict[str, Callable[[], Any]]:
    return {
        **reads(registry, nasty),
        **calls_of_services(registry, nasty),
        **calls_of_people(registry, nasty),
    }


def reads(registry: Registry, nasty: str) -> dict[str, Callable[[], Any]]:
    operator, rpc = registry.person("operator"), registry.registry
    return {
        "get": lambda: rpc.GetParticipant(
            registry_pb2.GetParticipantRequest(participant_id=nasty), metadata=operator
        ),
        "list by owner": lambda: rpc.ListParticipants(
            registry_pb2.ListParticipantsRequest(owner=nasty), metadata=operator
        ),
        "list by type": lambda: rpc.ListParticipants(
            registry_pb2.ListParticipantsRequest(types=[nasty]), metadata=operator
        ),
        "list from a token": lambda: rpc.ListParticipants(
            registry_pb2.ListParticipantsRequest(page_token=nasty), metadata=operator
        ),
        "graph": lambda: rpc.QueryCapabilityGraph(
            registry_pb2.QueryCapabilityGraphRequest(participant_id=nasty), metadata=operator
        ),
        "discover": lambda: rpc.DiscoverParticipants(
            registry_pb2.DiscoverParticipantsRequest(required_capabilities=[nasty]),
            metadata=operator,
        ),
        "discover without": lambda: rpc.DiscoverParticipants(
            registry_pb2.DiscoverParticipantsRequest(exclude=[nasty]), metadata=operator
        ),
        "discover for a task": lambda: rpc.DiscoverParticipants(
            registry_pb2.DiscoverParticipantsRequest(task_id=nasty), metadata=operator
        ),
    }


def calls_of_services(registry: Registry, nasty: str) -> dict[str, Callable[[], Any]]:
    service, rpc = registry.service_call(), registry.registry
    return {
        "standings": lambda: rpc.BatchGetStandings(
            registry_pb2.BatchGetStandingsRequest(participant_ids=[nasty]), metadata=service
        ),
        "retire": lambda: rpc.BeginRetirement(
            registry_pb2.BeginRetirementRequest(participant_id=STEWARD, retirement_id=nasty),
            metadata=service,
        ),
        "directive": lambda: rpc.SendDirectives(
            registry_pb2.SendDirectivesRequest(
                directives=[
                    session_pb2.Directive(directive_id=nasty, action=1, participant_id=STEWARD)
                ]
            ),
            metadata=service,
        ),
    }


def calls_of_people(registry: Registry, nasty: str) -> dict[str, Callable[[], Any]]:
    operator, mine = registry.person("operator"), registry.participant()
    rpc, sessions = registry.registry, registry.sessions
    enrolment = registry.person("operator", audience="phoenix-dma-enrol", may_enrol=["*"])
    return {
        "suspend": lambda: rpc.SuspendParticipant(
            registry_pb2.SuspendParticipantRequest(participant_id=nasty, reason="x"),
            metadata=operator,
        ),
        "update": lambda: rpc.UpdateCapabilities(
            registry_pb2.UpdateCapabilitiesRequest(participant_id=nasty), metadata=operator
        ),
        "beat": lambda: sessions.Heartbeat(
            session_pb2.HeartbeatRequest(participant_id=nasty), metadata=mine
        ),
        "acknowledge": lambda: sessions.Heartbeat(
            session_pb2.HeartbeatRequest(participant_id=STEWARD, acknowledged_directives=[nasty]),
            metadata=mine,
        ),
        "enrol": lambda: registry.identity.Enrol(
            identity_pb2.EnrolRequest(participant_id=nasty, owner="acme"), metadata=enrolment
        ),
    }


@pytest.mark.parametrize("nasty", NASTY)
async def test_an_id_that_cannot_be_is_refused_wherever_it_is_asked_for(
    registry: Registry, nasty: str
) -> None:
    await registry.register()
    for name, call in calls(registry, nasty).items():
        with pytest.raises(AioRpcError) as refused:
            await call()
        assert refused.value.code() in REFUSED, (name, refused.value.details())
    assert (await registry.get()).status == registry_pb2.PARTICIPANT_STATUS_REGISTERED


async def refused_with(call: Any) -> StatusCode:
    with pytest.raises(AioRpcError) as refused:
        await call
    return refused.value.code()


async def test_as_many_violations_as_fit_are_told(registry: Registry) -> None:
    wrong = [f"No Such Capability {number}" for number in range(64)]
    with pytest.raises(AioRpcError) as refused:
        await registry.register(capabilities=wrong)
    assert refused.value.code() is StatusCode.INVALID_ARGUMENT
    *told, last = refusal_of(refused.value).violations  # type: ignore[attr-defined]
    assert len(told) >= 10
    assert last.text == f"{64 - len(told)} more violations are left out"


async def test_words_with_hidden_characters_are_refused(registry: Registry) -> None:
    await registry.register()
    suspend = registry_pb2.SuspendParticipantRequest(participant_id=STEWARD, reason="a\0b")
    call = registry.registry.SuspendParticipant(suspend, metadata=registry.person("operator"))
    assert await refused_with(call) is StatusCode.INVALID_ARGUMENT
    graph = registry_pb2.QueryCapabilityGraphRequest(name="a\0b")
    call = registry.registry.QueryCapabilityGraph(graph, metadata=registry.person("auditor"))
    assert await refused_with(call) is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("words", ["a\0b", "a\u202eb", "\x1b[31mno\x1b[0m", "x" * 5_000])
async def test_a_heartbeat_is_never_refused_for_its_words(registry: Registry, words: str) -> None:
    await registry.register()
    beat = session_pb2.HeartbeatRequest(participant_id=STEWARD, health=words)
    await registry.sessions.Heartbeat(beat, metadata=registry.participant())


@pytest.mark.parametrize("request_id", ["", "once"])
async def test_metadata_that_is_no_json_is_refused(registry: Registry, request_id: str) -> None:
    declaration = steward()
    declaration.metadata.fields["load"].CopyFrom(struct_pb2.Value(number_value=float("nan")))
    request = registry_pb2.RegisterParticipantRequest(
        participant=declaration, request_id=request_id
    )
    call = registry.registry.RegisterParticipant(request, metadata=registry.participant())
    assert await refused_with(call) is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("request_id", ["a\0b", "x" * 129])
async def test_a_request_id_that_cannot_be_is_refused(registry: Registry, request_id: str) -> None:
    assert await refused_with(registry.register(request_id=request_id)) is (
        StatusCode.INVALID_ARGUMENT
    )


@pytest.mark.parametrize("after", [["\0"], ["", "-1"], ["", "9" * 5000], [1], [[]], [], ["", ""]])
async def test_a_forged_token_is_refused(registry: Registry, after: list[Any]) -> None:
    requirement = {
        "required_capabilities": [],
        "data_domains": [],
        "risk_level": "low",
        "policy_constraints": [],
        "task_id": "",
        "task_type": "",
    }
    for filters in ([requirement, []], [[], [], ""]):
        raw = json.dumps([content_hash(filters)[7:23], after])
        token = base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")
        for call in (
            registry.registry.DiscoverParticipants(
                registry_pb2.DiscoverParticipantsRequest(page_token=token),
                metadata=registry.person("operator"),
            ),
            registry.registry.ListParticipants(
                registry_pb2.ListParticipantsRequest(page_token=token),
                metadata=registry.person("operator"),
            ),
        ):
            assert await call.code() in {StatusCode.INVALID_ARGUMENT, StatusCode.OK}


async def test_an_acknowledgement_with_a_bad_text_holds_up_nobody(registry: Registry) -> None:
    await registry.register()
    await registry.send(
        session_pb2.Directive(directive_id="directive.1", action=1, participant_id=STEWARD)
    )
    stream = registry.stream()
    await stream.attach()
    await stream.receive_a("directive")
    ack = session_pb2.DirectiveAck(directive_id="directive.1", slot=0, error="no" * 9999)
    await stream.send(directive_ack=ack)
    await stream.beat()
    await stream.send(directive_ack=session_pb2.DirectiveAck(directive_id="a\0b", slot=0))
    assert (await stream.refusal()).reason == "FIELD_INVALID"
    again = registry.stream()
    await again.attach()
    await again.beat()
    beat = session_pb2.HeartbeatRequest(participant_id=STEWARD)

    async def acknowledged() -> bool:
        answer = await registry.sessions.Heartbeat(beat, metadata=registry.participant())
        return list(answer.directives) == []

    await until(acknowledged)
