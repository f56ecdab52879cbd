"""Who is let in: every RPC, at the gateway and at its own service, unary and streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.message import Message
from grpc.aio import AioRpcError
from grpc_reflection.v1alpha import reflection

from phoenix_dma.aio.rpc.errors import error_of
from phoenix_dma.errors import (
    AssignmentLost,
    CredentialInvalid,
    NotFound,
    NotPermitted,
    OfferLapsed,
    PhoenixError,
    PolicyDenied,
)
from phoenix_dma.v1 import (
    assignment_pb2,
    audit_pb2,
    handoff_pb2,
    registry_pb2,
    session_pb2,
    state_pb2,
)
from phoenix_dma.wire.conversions import struct_of
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.credentials import ENROLMENT_AUDIENCE
from phoenix_runtime.chassis.schema import Rpc, fields_of, required, rpcs
from phoenix_runtime.core.principal import Role
from phoenix_runtime.local.health import serves
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.participant import Participant
from tests.e2e.stage import BACKUP, STEWARD, TASK, Stage
from tests.e2e.unauthenticated import PEOPLE, bad_tokens
from tests.support.builders.keys import bearer

ALL = sorted(rpcs().values(), key=lambda rpc: rpc.path)
CLOSED = [rpc for rpc in ALL if not rpc.open]
HOMES = {
    "RegistryService": "registry",
    "SessionService": "registry",
    "IdentityService": "registry",
    "AssignmentService": "assignment",
    "HandoffService": "assignment",
    "StateService": "state",
    "GovernanceService": "governance",
    "ApprovalService": "governance",
    "AuditService": "governance",
    "GatewayService": "gateway",
}


def doors(rpc: Rpc) -> list[str]:
    """Where a client can knock: the gateway, and the service itself."""
    return sorted({"gateway", HOMES[rpc.service.rsplit(".", 1)[1]]})


def closed(service: str) -> list[Rpc]:
    """The RPCs of a service that ask for a credential."""
    return [rpc for rpc in CLOSED if rpc.service.endswith(f".{service}")]


class Doors:
    """Channels to every part of the runtime, and credentials of a tenant of their own."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def knock(self, rpc: Rpc, door: str, token: str, request: Message | None = None) -> str:
        """Call; answers the reason of the refusal, or the text of the answer in brackets."""
        channel = self._channels.get(door)
        if channel is None:
            channel = grpc.aio.insecure_channel(self.stage.runtime.address(door))
            self._channels[door] = channel
        metadata = bearer(token) if token else ()
        try:
            answer = await _call(channel, rpc, request, metadata)
        except AioRpcError as error:
            return error_of(error).reason
        return f"[{answer}]"

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close(None)


async def _call(
    channel: grpc.aio.Channel, rpc: Rpc, request: Message | None, metadata: Any
) -> Message | str:
    written: dict[str, Any] = {
        "request_serializer": rpc.request.SerializeToString,
        "response_deserializer": rpc.response.FromString,
    }
    if not rpc.client_streaming:
        call = channel.unary_unary(rpc.path, **written)
        found: Message = await call(request or filled(rpc), metadata=metadata, timeout=10)
        return found
    opened: Any = channel.stream_stream(rpc.path, **written)
    stream = opened(metadata=metadata, timeout=10)
    if request is not None:
        # Whoever is refused is refused before a word; a word that comes too late for the call is
        # an error of its own to grpc.aio, which hides the refusal.
        await stream.write(request)
    heard = await stream.read()
    stream.cancel()
    return str(heard)


def filled(rpc: Rpc, **known: Any) -> Message:
    """A request with every required field; ``known`` by field name, at any depth."""
    request = rpc.request()
    if isinstance(request, session_pb2.KeepAliveRequest):
        request.attach.participant_id = known.get("participant_id", STEWARD)
        request.attach.generation = 1
        return request
    return _fill(request, known)


def _fill(message: Any, known: dict[str, Any]) -> Message:
    for field in fields_of(message.DESCRIPTOR):
        given = known.get(field.name)
        if given is None and not required(field):
            continue
        if field.message_type is not None:
            _fill_message(message, field, known)
        elif field.is_repeated:
            getattr(message, field.name).append(given or "x")
        else:
            setattr(message, field.name, given or _any_value(field))
    return message  # type: ignore[no-any-return]


def _fill_message(message: Any, field: Any, known: dict[str, Any]) -> None:
    if field.message_type.full_name == "google.protobuf.Struct":
        target = getattr(message, field.name)
        (target.add() if field.is_repeated else target).update({"x": 1})
    elif field.is_repeated:
        _fill(getattr(message, field.name).add(), known)
    else:
        made = getattr(message, field.name)
        made.SetInParent()
        _fill(made, known)


def _any_value(field: Any) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    return {"string": "x.1", "bool": True}.get(_kind(field), 1)


def _kind(field: Any) -> str:
    return {field.TYPE_STRING: "string", field.TYPE_BOOL: "bool"}.get(field.type, "number")


@pytest_asyncio.fixture
async def knocking(runtime: LocalRuntime) -> AsyncIterator[Doors]:
    """Whoever is refused leaves nothing but the note that it was."""
    async with Stage(runtime, new_id("tenant")) as stage:
        doors = Doors(stage)
        yield doors
        await doors.close()
        evidence = await stage.evidence()
        told = {event.type for event in evidence.events}
        assert told <= {"ACCESS_REFUSED", "POLICY_ACTIVATED"}
        left = [*evidence.tasks, *evidence.participants, *evidence.handoffs]
        assert not left


@pytest.mark.parametrize("service", HOMES)
async def test_a_missing_wrong_or_expired_credential_is_refused_everywhere(
    service: str, knocking: Doors
) -> None:
    knocks = [
        (door, rpc.path, wrong, knocking.knock(rpc, door, token))
        for rpc in closed(service)
        for door in doors(rpc)
        for wrong, token in bad_tokens(knocking.stage)
    ]
    answers = await asyncio.gather(*(knock for *_, knock in knocks))
    let_in = [
        (*where, answer)
        for (*where, _), answer in zip(knocks, answers, strict=True)
        if answer != CredentialInvalid.reason
    ]
    assert not let_in


@pytest.mark.parametrize("service", HOMES)
async def test_a_credential_without_any_of_the_roles_is_refused(
    service: str, knocking: Doors
) -> None:
    stage = knocking.stage
    enrolment = stage.enrolment()
    for rpc in closed(service):
        others = [role.value for role in PEOPLE if role not in rpc.roles]
        token = stage.participant_token(STEWARD, roles=others)
        for door in doors(rpc):
            if Role.ENROLLER in rpc.roles:
                assert await knocking.knock(rpc, door, token) == CredentialInvalid.reason
            elif others:
                assert await knocking.knock(rpc, door, token) == NotPermitted.reason, rpc.path
                assert await knocking.knock(rpc, door, enrolment) == CredentialInvalid.reason


@pytest.mark.parametrize("door", sorted(set(HOMES.values())))
async def test_reflection_asks_for_a_credential_too_and_health_does_not(
    door: str, knocking: Doors
) -> None:
    async with grpc.aio.insecure_channel(knocking.stage.runtime.address(door)) as channel:
        untyped: Any = channel
        opened = untyped.stream_stream(f"/{reflection.SERVICE_NAME}/ServerReflectionInfo")
        with pytest.raises(AioRpcError) as shut:
            await opened(timeout=10).read()
        assert error_of(shut.value).reason == CredentialInvalid.reason
    assert await serves(knocking.stage.runtime.address(door))


async def test_an_enrolment_credential_opens_nothing_but_enrol_and_only_for_its_own(
    knocking: Doors,
) -> None:
    stage = knocking.stage
    enrol = rpcs()["/phoenix_dma.v1.IdentityService/Enrol"]
    said: dict[str, Any] = {
        "sub": "operator",
        "roles": ["submitter"],
        "may_enrol": ["agent.mine.*"],
    }
    narrow = stage.token(audience=ENROLMENT_AUDIENCE, life=timedelta(hours=1), **said)
    for door in doors(enrol):
        mine = filled(enrol, participant_id="agent.mine.1", owner="x")
        assert (await knocking.knock(enrol, door, narrow, mine)).startswith("[")
        other = filled(enrol, participant_id=STEWARD, owner="x")
        assert await knocking.knock(enrol, door, narrow, other) == NotPermitted.reason
        more: Any = filled(enrol)
        more.roles.append(3)  # operator
        assert await knocking.knock(enrol, door, narrow, more) == NotPermitted.reason


async def test_a_participants_credential_cannot_act_for_another(stage: Stage) -> None:
    steward = await stage.participant(STEWARD)
    thief = await stage.participant(BACKUP, capabilities=["data_quality_check"])
    await stage.submit()
    epoch = (await steward.take(TASK)).task.epoch
    stubs = thief.api.stubs
    attempts: list[tuple[Any, Any]] = [
        (
            stubs.registry.RegisterParticipant,
            registry_pb2.RegisterParticipantRequest(participant=steward.declaration),
        ),
        (
            stubs.registry.UpdateCapabilities,
            registry_pb2.UpdateCapabilitiesRequest(participant_id=STEWARD),
        ),
        (stubs.sessions.Heartbeat, session_pb2.HeartbeatRequest(participant_id=STEWARD)),
        (
            stubs.state.CheckpointContext,
            state_pb2.CheckpointContextRequest(
                task_id=TASK,
                participant_id=STEWARD,
                epoch=epoch,
                context=struct_of({"outputs": {}}),
            ),
        ),
        (
            stubs.handoffs.InitiateHandoff,
            handoff_pb2.InitiateHandoffRequest(task_id=TASK, source=STEWARD),
        ),
        (
            stubs.handoffs.RetireParticipant,
            handoff_pb2.RetireParticipantRequest(participant_id=STEWARD),
        ),
        (
            stubs.state.GetContext,
            state_pb2.GetContextRequest(context_ref=f"phoenix://context/{TASK}"),
        ),
        (stubs.audit.GetLineage, audit_pb2.GetLineageRequest(task_id=TASK)),
        (stubs.assignment.StartTask, assignment_pb2.StartTaskRequest(task_id=TASK, epoch=epoch)),
        (
            stubs.assignment.CompleteTask,
            assignment_pb2.CompleteTaskRequest(task_id=TASK, epoch=epoch),
        ),
        (
            stubs.assignment.FailTask,
            assignment_pb2.FailTaskRequest(task_id=TASK, epoch=epoch, message="ha"),
        ),
        (
            stubs.assignment.AuthorizeAction,
            assignment_pb2.AuthorizeActionRequest(
                task_id=TASK,
                epoch=epoch,
                kind=assignment_pb2.ACTION_KIND_DATA_READ,
                name="read",
            ),
        ),
        (stubs.assignment.CancelTask, assignment_pb2.CancelTaskRequest(task_id=TASK)),
        (
            stubs.assignment.SubmitTask,
            assignment_pb2.SubmitTaskRequest(task=_child(stage, epoch)),
        ),
    ]
    no = {NotPermitted.reason, AssignmentLost.reason, PolicyDenied.reason}
    for method, request in attempts:
        with pytest.raises(PhoenixError) as refused:
            await thief.api.ask(method, request)
        assert refused.value.reason in no, method._method

    with pytest.raises(AioRpcError) as shut:
        await _listen_as(stage, steward, thief)
    assert error_of(shut.value).reason == NotPermitted.reason
    assert await stage.story(TASK) == ["TASK_SUBMITTED", "ASSIGNMENT_CREATED", "TASK_STARTED"]
    assert await stage.events("ACCESS_REFUSED")
    await steward.complete(TASK, epoch, {"merged": 0})


async def test_an_offer_is_its_targets_alone(stage: Stage) -> None:
    steward = await stage.participant(STEWARD)
    await stage.submit()
    await steward.take(TASK)
    backup = await stage.participant(BACKUP)
    thief = await stage.participant("agent.thief.001", capabilities=["data_quality_check"])
    await (await stage.operator()).hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)  # it stands for a few seconds only
    no = {NotPermitted.reason, OfferLapsed.reason, NotFound.reason, PolicyDenied.reason}
    with pytest.raises(PhoenixError) as refused:
        await thief.read(f"phoenix://context/{TASK}", offer.offer_id)
    assert refused.value.reason in no
    with pytest.raises(PhoenixError) as refused:
        await thief.accept(offer, received_hash="sha256:" + "0" * 64)
    assert refused.value.reason in no
    with pytest.raises(PhoenixError) as refused:
        await thief.refuse(offer)
    assert refused.value.reason in no
    await backup.accept(offer)


async def test_what_another_tenant_owns_is_not_found(runtime: LocalRuntime, stage: Stage) -> None:
    """Every RPC that names something, asked for what belongs to somebody else."""
    steward = await stage.participant(STEWARD)
    backup = await stage.participant(BACKUP)
    await stage.submit(objective="the secret of the first tenant")
    await steward.take(TASK)
    certified = await (await stage.operator()).certify(STEWARD, "policy_check", evidence="seen")
    handoff = await (await stage.operator()).hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)
    before = await stage.story(TASK)
    known = {
        "task_id": TASK,
        "task": TASK,
        "participant_id": STEWARD,
        "participant": STEWARD,
        "source": STEWARD,
        "handoff_id": handoff.handoff_id,
        "handoff": handoff.handoff_id,
        "offer_id": offer.offer_id,
        "received_hash": handoff.context.hash,
        "certification_id": certified.certification_id,
        "context_ref": f"phoenix://context/{TASK}",
        "correlation_id": handoff.correlation_id,
        "decision_id": handoff.policy_decision_id or "opa.dec.1",
    }
    async with Stage(runtime, new_id("tenant")) as other:
        knocking = Doors(other)
        nosy = other.participant_token(STEWARD, roles=[role.value for role in PEOPLE])

        async def ask(rpc: Rpc) -> None:
            request = filled(rpc, **_fitting(rpc, known))
            for door in doors(rpc):
                answer = await knocking.knock(rpc, door, nosy, request)
                assert "secret of the first" not in answer, rpc.path
                assert handoff.correlation_id not in answer, rpc.path
                assert _tells_nothing(rpc, answer), (rpc.path, answer)

        asked = [rpc for rpc in CLOSED if not (rpc.services_only or Role.ENROLLER in rpc.roles)]
        # First and together whatever could touch the offer: it stands for a few seconds only.
        await asyncio.gather(*(ask(rpc) for rpc in asked if OFFERED & _texts(rpc)))
        assert await stage.story(TASK) == before
        await backup.accept(offer)
        before = await stage.story(TASK)
        for rpc in asked:
            await ask(rpc)
        await knocking.close()
    assert await stage.story(TASK) == before


OFFERED = {"offer_id", "handoff_id"}
"""What names an offer."""


def _fitting(rpc: Rpc, known: dict[str, str]) -> dict[str, Any]:
    """Values for fields that are texts; ``participant`` and ``task`` are messages elsewhere."""
    inner = {"task_id", "participant_id"}
    return {name: value for name, value in known.items() if name in _texts(rpc) | inner}


def _texts(rpc: Rpc) -> set[str]:
    asked: Any = rpc.request.DESCRIPTOR
    return {field.name for field in fields_of(asked) if field.type == field.TYPE_STRING}


OWN = {
    # What these make or find belongs to the tenant that asks.
    "RegisterParticipant",
    "RenewCredential",
    "SubmitTask",
    "AssignTask",
    "ExplainAssignment",
    "GetCatalogue",
    "TryPolicy",
    "GrantCertification",
    "Heartbeat",
    "KeepAlive",
}


def _tells_nothing(rpc: Rpc, answer: str) -> bool:
    """Not found, refused for another reason, or an answer that names nothing of theirs."""
    if rpc.method in OWN or not answer.startswith("["):
        return rpc.method in OWN or answer in {
            NotFound.reason,
            NotPermitted.reason,
            PolicyDenied.reason,
            OfferLapsed.reason,
            AssignmentLost.reason,
            "FIELD_INVALID",
        }
    return TASK not in answer and STEWARD not in answer


def _child(stage: Stage, epoch: int) -> assignment_pb2.TaskDeclaration:
    child = stage.task(task_id="task.stolen")
    child.parent_task_id, child.parent_epoch = TASK, epoch
    return child


async def _listen_as(stage: Stage, victim: Participant, thief: Participant) -> None:
    """Attach the victim under the thief's credential, and hear what there is to hear."""
    token = await thief.credential.token()
    stubs = (await stage.transport()).stubs
    attach = session_pb2.Attach(participant_id=victim.id, generation=victim.generation)
    said = iter([session_pb2.KeepAliveRequest(attach=attach)])
    async for heard in stubs.sessions.KeepAlive(said, metadata=bearer(token), timeout=10):
        raise AssertionError(f"the thief heard {heard}")
