"""The chassis on a real socket: who is let in, what a refusal looks like, for calls and streams."""

from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from phoenix_dma.v1 import assignment_pb2, assignment_pb2_grpc
from phoenix_dma.wire.stream_termination import keep_final_status
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.channels import Channels, service_call
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core import errors
from phoenix_runtime.core.principal import Call
from tests.support.builders.keys import Keys, bearer
from tests.support.servers.sample_server import BROKEN_OFF, errors_of, get_task, refusal


async def test_a_role_that_the_schema_does_not_name_is_refused(
    server_address: str, keys: Keys
) -> None:
    code, found = await refusal(server_address, "t", bearer(keys.token("policy_admin")))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert found["ErrorInfo"].reason == "NOT_PERMITTED"


async def test_a_required_field_that_is_missing_is_named(server_address: str, keys: Keys) -> None:
    code, found = await refusal(server_address, "", bearer(keys.token("submitter")))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in found["BadRequest"].field_violations] == ["task_id"]


async def test_a_refusal_carries_facts_and_remedy(server_address: str, keys: Keys) -> None:
    code, found = await refusal(server_address, "gone", bearer(keys.token("submitter")))
    assert code is grpc.StatusCode.NOT_FOUND
    assert dict(found["ErrorInfo"].metadata)["id"] == "gone"
    assert dict(found["ErrorInfo"].metadata)["remedy"]


async def test_a_crash_tells_an_error_id_and_nothing_else(server_address: str, keys: Keys) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get_task(server_address, "broken", bearer(keys.token("submitter")))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value)
    assert errors_of(caught.value)["ErrorInfo"].metadata["error_id"].startswith("error.")


@pytest.mark.parametrize("how", BROKEN_OFF)
async def test_a_call_that_is_broken_off_inside_may_be_made_again(
    server_address: str, keys: Keys, how: str
) -> None:
    code, found = await refusal(server_address, how, bearer(keys.token("submitter")))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert found["ErrorInfo"].reason == "UNAVAILABLE"
    assert found["RetryInfo"].retry_delay.seconds == 1
    assert "secret" not in str(found)


async def test_only_a_service_may_call_what_is_for_services(
    server_address: str, keys: Keys
) -> None:
    request = assignment_pb2.RecordCheckpointRequest(task_id="t", epoch=1, hash="h")
    settings = ServerSettings(**keys.settings("state"), assignment_address=server_address)
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


async def test_the_gateway_s_own_credential_opens_nothing(server_address: str, keys: Keys) -> None:
    request = assignment_pb2.RecordCheckpointRequest(task_id="t", epoch=1, hash="h")
    signer = ServiceSigner(
        "gateway", keys.service_key("gateway"), keys.clock, audience="phoenix-dma"
    )
    own = (("x-phoenix-dma-service", f"Bearer {signer.token('default')}"),)
    async with grpc.aio.insecure_channel(server_address) as channel:
        stub = assignment_pb2_grpc.AssignmentServiceStub(channel)
        for metadata, code in [
            (own, grpc.StatusCode.UNAUTHENTICATED),
            ((*own, *bearer(keys.token("operator"))), grpc.StatusCode.PERMISSION_DENIED),
        ]:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.RecordCheckpoint(request, metadata=metadata)
            assert caught.value.code() is code


async def test_a_service_cannot_sign_as_another(
    server_address: str, keys: Keys, tmp_path: Path
) -> None:
    signer = ServiceSigner(
        "registry", keys.service_key("state"), keys.clock, audience="phoenix-dma"
    )
    own = (("x-phoenix-dma-service", f"Bearer {signer.token('default')}"),)
    code, _ = await refusal(server_address, "t", own)
    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_peer_s_refusal_comes_back_as_the_same_class(
    server_address: str, keys: Keys
) -> None:
    settings = ServerSettings(**keys.settings("state"), assignment_address=server_address)
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


async def test_health_is_open_and_reflection_is_not(server_address: str, keys: Keys) -> None:
    async with grpc.aio.insecure_channel(server_address) as channel:
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
    server_address: str, keys: Keys, content: bytes
) -> None:
    async with grpc.aio.insecure_channel(server_address) as channel:
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
    server_address: str,
) -> None:
    async with grpc.aio.insecure_channel(server_address) as channel:
        ask = channel.unary_unary("/phoenix_dma.v1.AssignmentService/GetTask", None, None)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(b"\xff\xff\xff")
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
