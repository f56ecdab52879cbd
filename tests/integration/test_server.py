"""The chassis on a real socket: who is let in, what a refusal looks like, for calls and streams."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from joserfc.jwk import OKPKey

from phoenix_dma.v1 import assignment_pb2, assignment_pb2_grpc, session_pb2, session_pb2_grpc
from phoenix_dma.wire.status_details import DETAILS_KEY
from phoenix_dma.wire.stream_termination import keep_final_status
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.channels import Channels, service_call
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.chassis.server import Listening, Service
from phoenix_runtime.chassis.serving import current_call
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core import errors
from phoenix_runtime.core.principal import Call
from tests.support.builders.keys import Keys, bearer
from tests.support.waiting.until import PATIENCE


class Tasks(assignment_pb2_grpc.AssignmentServiceServicer):
    """Answers by task id, so that each test chooses what happens."""

    def __init__(self) -> None:
        self._front = RpcHandler()

    async def GetTask(self, request: Any, context: Any) -> Any:  # noqa: N802  # the schema's name
        async def found(call: Call) -> str:
            if request.task_id == "gone":
                raise errors.NotFound("task", "gone")
            if request.task_id == "broken":
                raise ZeroDivisionError("a secret inside")
            return call.actor

        return await self._front.read(
            run=found,
            answer=lambda actor: assignment_pb2.GetTaskResponse(
                task=assignment_pb2.Task(submitter=actor)
            ),
        )

    async def RecordCheckpoint(self, request: Any, context: Any) -> Any:  # noqa: N802
        call = current_call()
        pointer = assignment_pb2.RecordCheckpointResponse().pointer
        pointer.participant_id = f"{call.actor} through {call.service}"
        return assignment_pb2.RecordCheckpointResponse(pointer=pointer)


class Sessions(session_pb2_grpc.SessionServiceServicer):
    """Echoes the sequence of each beat."""

    async def KeepAlive(  # noqa: N802
        self, request_iterator: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        async for request in request_iterator:
            yield session_pb2.KeepAliveResponse(beat_ack=session_pb2.BeatAck(seq=request.beats.seq))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def address(keys: Keys) -> AsyncIterator[str]:
    def register(server: grpc.aio.Server) -> None:
        assignment_pb2_grpc.add_AssignmentServiceServicer_to_server(Tasks(), server)
        session_pb2_grpc.add_SessionServiceServicer_to_server(Sessions(), server)

    settings = ServerSettings(
        **keys.settings("assignment"), listen="127.0.0.1:0", grace=timedelta(seconds=0.2)
    )
    names = ["phoenix_dma.v1.AssignmentService", "phoenix_dma.v1.SessionService"]
    async with Listening(Service("assignment", settings, names, register)) as listening:
        yield f"127.0.0.1:{listening.port}"


async def get_task(address: str, task_id: str, metadata: Any) -> Any:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = assignment_pb2_grpc.AssignmentServiceStub(channel)
        return await stub.GetTask(
            assignment_pb2.GetTaskRequest(task_id=task_id), metadata=metadata, timeout=PATIENCE
        )


async def refusal(address: str, task_id: str, metadata: Any) -> tuple[grpc.StatusCode, Any]:
    """The code and ErrorInfo of a call that is expected to be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get_task(address, task_id, metadata)
    status = errors_of(caught.value)
    return caught.value.code(), status


def errors_of(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    packed = next(v for k, v in error.trailing_metadata() if k == DETAILS_KEY)
    status = status_pb2.Status.FromString(packed)
    kinds = (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.RetryInfo,
    )
    found: dict[str, Any] = {}
    for detail in status.details:
        for kind in kinds:
            if detail.Is(kind.DESCRIPTOR):
                message = kind()
                detail.Unpack(message)
                found[kind.__name__] = message
    return found


async def test_a_genuine_credential_is_let_in(address: str, keys: Keys) -> None:
    answer = await get_task(address, "t", bearer(keys.token("submitter", sub="alice")))
    assert answer.task.submitter == "alice"


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("expired", {"life": timedelta(seconds=-1)}),
        ("too long", {"life": timedelta(hours=1)}),
        ("wrong issuer", {"iss": "somebody-else"}),
        ("wrong audience", {"audience": "another"}),
        ("enrolment audience", {"audience": "phoenix-dma-enrol"}),
        ("wrong key", {"key": OKPKey.generate_key("Ed25519", {"kid": "issuer.1"})}),
        ("unknown key", {"key": OKPKey.generate_key("Ed25519", {"kid": "nobody.9"})}),
        ("no tenant", {"tenant": ""}),
        ("tenant that is no identifier", {"tenant": "a'; DROP TABLE tasks"}),
        ("service role", {"roles": ["service"]}),
    ],
)
async def test_a_credential_that_is_not_good_is_refused(
    address: str, keys: Keys, name: str, claims: dict[str, Any]
) -> None:
    code, found = await refusal(address, "t", bearer(keys.token("submitter", **claims)))
    assert code is grpc.StatusCode.UNAUTHENTICATED, name
    assert found["ErrorInfo"].reason == "CREDENTIAL_INVALID"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwidGVuYW50IjoiZGVmYXVsdCJ9.",
        "Bearer not.a.token",
    ],
)
async def test_a_missing_or_malformed_credential_is_refused(
    address: str, header: str | None
) -> None:
    code, _ = await refusal(address, "t", (("authorization", header),) if header else ())
    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_stream_asks_for_a_credential_too(address: str, keys: Keys) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        beat = session_pb2.KeepAliveRequest(beats=session_pb2.Beats(seq=7))
        call = keep_final_status(stub.KeepAlive(iter([beat])))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        token = keys.token("participant", participant="a", sub="a")
        answers = [a async for a in stub.KeepAlive(iter([beat]), metadata=bearer(token))]
        assert [a.beat_ack.seq for a in answers] == [7]


async def test_a_role_that_the_schema_does_not_name_is_refused(address: str, keys: Keys) -> None:
    code, found = await refusal(address, "t", bearer(keys.token("policy_admin")))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert found["ErrorInfo"].reason == "NOT_PERMITTED"


async def test_a_required_field_that_is_missing_is_named(address: str, keys: Keys) -> None:
    code, found = await refusal(address, "", bearer(keys.token("submitter")))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in found["BadRequest"].field_violations] == ["task_id"]


async def test_a_refusal_carries_facts_and_remedy(address: str, keys: Keys) -> None:
    code, found = await refusal(address, "gone", bearer(keys.token("submitter")))
    assert code is grpc.StatusCode.NOT_FOUND
    assert dict(found["ErrorInfo"].metadata)["id"] == "gone"
    assert dict(found["ErrorInfo"].metadata)["remedy"]


async def test_a_crash_tells_an_error_id_and_nothing_else(address: str, keys: Keys) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get_task(address, "broken", bearer(keys.token("submitter")))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value)
    assert errors_of(caught.value)["ErrorInfo"].metadata["error_id"].startswith("error.")


async def test_only_a_service_may_call_what_is_for_services(address: str, keys: Keys) -> None:
    request = assignment_pb2.RecordCheckpointRequest(task_id="t", epoch=1, hash="h")
    settings = ServerSettings(**keys.settings("state"), assignment_address=address)
    signer = ServiceSigner("state", keys.service_key("state"), keys.clock, audience="phoenix-dma")
    channels = Channels(settings, signer)
    stub = assignment_pb2_grpc.AssignmentServiceStub(channels.channel("assignment"))
    try:
        worker = service_call("state", "default", new_id)
        answer = await channels.ask(worker, stub.RecordCheckpoint, request)
        assert answer.pointer.participant_id == "service:state through state"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.RecordCheckpoint(request, metadata=bearer(keys.token("operator")))
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    finally:
        await channels.close()


async def test_the_gateway_s_own_credential_opens_nothing(address: str, keys: Keys) -> None:
    request = assignment_pb2.RecordCheckpointRequest(task_id="t", epoch=1, hash="h")
    signer = ServiceSigner(
        "gateway", keys.service_key("gateway"), keys.clock, audience="phoenix-dma"
    )
    own = (("x-phoenix-dma-service", f"Bearer {signer.token('default')}"),)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = assignment_pb2_grpc.AssignmentServiceStub(channel)
        for metadata, code in [
            (own, grpc.StatusCode.UNAUTHENTICATED),
            ((*own, *bearer(keys.token("operator"))), grpc.StatusCode.PERMISSION_DENIED),
        ]:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.RecordCheckpoint(request, metadata=metadata)
            assert caught.value.code() is code


async def test_a_service_cannot_sign_as_another(address: str, keys: Keys, tmp_path: Path) -> None:
    signer = ServiceSigner(
        "registry", keys.service_key("state"), keys.clock, audience="phoenix-dma"
    )
    own = (("x-phoenix-dma-service", f"Bearer {signer.token('default')}"),)
    code, _ = await refusal(address, "t", own)
    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_peer_s_refusal_comes_back_as_the_same_class(address: str, keys: Keys) -> None:
    settings = ServerSettings(**keys.settings("state"), assignment_address=address)
    signer = ServiceSigner("state", keys.service_key("state"), keys.clock, audience="phoenix-dma")
    channels = Channels(settings, signer)
    stub = assignment_pb2_grpc.AssignmentServiceStub(channels.channel("assignment"))
    caller = Call(
        principal=service_call("state", "default", new_id).principal,
        correlation_id="audit.corr.1",
        metadata=bearer(keys.token("submitter")),
    )
    with pytest.raises(errors.NotFound) as caught:
        await channels.ask(caller, stub.GetTask, assignment_pb2.GetTaskRequest(task_id="gone"))
    assert caught.value.facts == {"resource": "task", "id": "gone"}
    await channels.close()


async def test_health_is_open_and_reflection_is_not(address: str, keys: Keys) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(
            health_pb2.HealthCheckRequest(service="phoenix_dma.v1.SessionService")
        )
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        mirror = reflection_pb2_grpc.ServerReflectionStub(channel)
        ask = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await keep_final_status(mirror.ServerReflectionInfo(iter([ask]))).read()
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        token = bearer(keys.token("submitter"))
        answer = await mirror.ServerReflectionInfo(iter([ask]), metadata=token).read()
        names = [service.name for service in answer.list_services_response.service]
        assert "phoenix_dma.v1.AssignmentService" in names


UNREADABLE = {
    "no UTF-8": b"\x0a\x02\xc3\x28",
    "cut off": b"\x0a\x7f",
    "no protobuf": b"\xff\xff\xff",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_bytes_that_are_no_message_are_a_bad_request_and_tell_no_internals(
    address: str, keys: Keys, content: bytes
) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        ask = channel.unary_unary("/phoenix_dma.v1.AssignmentService/GetTask", None, None)
        hold = channel.stream_stream("/phoenix_dma.v1.SessionService/KeepAlive", None, None)
        for answer in (
            ask(content, metadata=bearer(keys.token("submitter"))),
            hold(iter([content]), metadata=bearer(keys.token("participant"))).read(),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await answer
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert errors_of(caught.value)["ErrorInfo"].reason == "FIELD_INVALID"
            assert "google" not in str(caught.value.details())


async def test_a_credential_is_asked_for_before_anything_is_said_of_the_message(
    address: str,
) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        ask = channel.unary_unary("/phoenix_dma.v1.AssignmentService/GetTask", None, None)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(b"\xff\xff\xff")
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
