"""What is larger than its limit is TOO_LARGE, with size and limit, whoever holds the limit."""

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from grpc.aio import AioRpcError

from phoenix_dma.aio.rpc.errors import error_of
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.errors import PhoenixError, TooLarge
from phoenix_dma.profile import Endpoint
from phoenix_dma.v1 import assignment_pb2, assignment_pb2_grpc
from phoenix_dma.wire.canonical_json import canonical
from phoenix_dma.wire.conversions import struct_of
from phoenix_dma.wire.sizes import DOCUMENT_BYTES, MESSAGE_BYTES
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.channels import Channels, service_call
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core import errors
from tests.support.builders.keys import Keys, bearer
from tests.support.servers.sample_server import errors_of
from tests.support.waiting.until import PATIENCE

OVER = MESSAGE_BYTES + 1024
FAR_OVER = 2 * MESSAGE_BYTES + 1024
"""More than the server's transport lets in."""
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


async def refused(
    address: str, keys: Keys, task_id: str, options: list[tuple[str, int]]
) -> AioRpcError:
    """The refusal of a client that measures nothing itself."""
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stub = assignment_pb2_grpc.AssignmentServiceStub(channel)
        request = assignment_pb2.GetTaskRequest(task_id=task_id)
        who = bearer(keys.token("submitter"))
        with pytest.raises(AioRpcError) as caught:
            await stub.GetTask(request, metadata=who, timeout=PATIENCE)
    return caught.value


async def told(transport: Transport, keys: Keys, request: Message) -> PhoenixError:
    method = transport.stubs.assignment.GetTask
    if isinstance(request, assignment_pb2.SubmitTaskRequest):
        method = transport.stubs.assignment.SubmitTask
    with pytest.raises(PhoenixError) as caught:
        await transport.ask(method, request, GivenToken(keys.token("submitter")))
    return caught.value


class GivenToken:
    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def renewed(self, refused: str) -> str:
        raise AssertionError(f"{refused} was not refused")


async def test_a_request_over_our_limit_has_reason_size_and_limit(
    server_address: str, keys: Keys
) -> None:
    error = await refused(server_address, keys, "t" * OVER, UNLIMITED)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    info = errors_of(error)["ErrorInfo"]
    assert info.reason == "TOO_LARGE"
    assert int(info.metadata["size_bytes"]) > OVER
    assert info.metadata["limit_bytes"] == str(MESSAGE_BYTES)
    assert "RetryInfo" not in errors_of(error)


async def test_an_answer_over_our_limit_is_the_same_refusal(
    server_address: str, keys: Keys
) -> None:
    error = await refused(server_address, keys, f"bytes.{OVER}", UNLIMITED)
    info = errors_of(error)["ErrorInfo"]
    assert (info.reason, info.metadata["what"]) == ("TOO_LARGE", "answer")
    assert info.metadata["limit_bytes"] == str(MESSAGE_BYTES)


@pytest.mark.parametrize(
    ("task_id", "options"),
    [
        ("t" * FAR_OVER, UNLIMITED),
        ("t" * 2048, [("grpc.max_send_message_length", 1024)]),
        ("bytes.2048", [("grpc.max_receive_message_length", 1024)]),
    ],
    ids=["the server's", "the client's, sending", "the client's, receiving"],
)
async def test_a_transport_s_limit_is_too_large_for_sdk_and_services_alike(
    server_address: str, keys: Keys, task_id: str, options: list[tuple[str, int]]
) -> None:
    error = await refused(server_address, keys, task_id, options)
    for made in (error_of(error), refusal_of(error)):
        assert (made.reason, made.facts["what"]) == ("TOO_LARGE", "message"), made
        assert int(made.facts["size_bytes"]) > int(made.facts["limit_bytes"]) > 0
        assert made.remedy == TooLarge.remedy
    assert isinstance(refusal_of(error), errors.TooLarge)


async def test_metadata_over_the_transport_s_limit_are_too_large_and_no_quota(
    server_address: str,
) -> None:
    async with grpc.aio.insecure_channel(server_address) as channel:
        stub = assignment_pb2_grpc.AssignmentServiceStub(channel)
        with pytest.raises(AioRpcError) as caught:
            await stub.GetTask(
                assignment_pb2.GetTaskRequest(task_id="t"),
                metadata=bearer("x" * (80 << 10)),
                timeout=PATIENCE,
            )
    made = error_of(caught.value)
    assert (made.reason, made.facts["what"]) == ("TOO_LARGE", "metadata")


async def test_the_sdk_refuses_before_it_sends_and_names_the_document(keys: Keys) -> None:
    transport = Transport(Endpoint(target="127.0.0.1:1", tls=False))  # nobody listens or is asked
    task = assignment_pb2.TaskDeclaration(input=struct_of({"text": "x" * OVER}))
    error = await told(transport, keys, assignment_pb2.SubmitTaskRequest(task=task))
    assert isinstance(error, TooLarge)
    assert error.facts["what"] == "input"
    assert error.facts["limit_bytes"] == str(DOCUMENT_BYTES)
    assert error.facts["size_bytes"] == str(OVER + len('{"text":""}'))
    error = await told(transport, keys, assignment_pb2.GetTaskRequest(task_id="t" * OVER))
    assert (error.reason, error.facts["what"]) == ("TOO_LARGE", "request")
    assert error.facts["limit_bytes"] == str(MESSAGE_BYTES)
    await transport.close()


async def test_a_service_refuses_before_it_sends(keys: Keys) -> None:
    settings = ServerSettings(**keys.settings("state"), assignment_address="127.0.0.1:1")
    signer = ServiceSigner("state", keys.service_key("state"), keys.clock, audience="phoenix-dma")
    channels = Channels(settings, signer)
    stub = assignment_pb2_grpc.AssignmentServiceStub(channels.channel("assignment"))
    request = assignment_pb2.RecordCheckpointRequest(task_id="t" * OVER, epoch=1, hash="h")
    call = service_call("state", "tenant", new_id)
    with pytest.raises(errors.TooLarge) as caught:
        await channels.ask(call, stub.RecordCheckpoint, request)
    await channels.close()
    assert caught.value.facts["limit_bytes"] == str(MESSAGE_BYTES)


def test_the_largest_document_fits_into_a_message_however_it_is_written() -> None:
    """Digits take most of a Struct: 2 bytes of JSON become 11."""
    document: dict[str, list[int]] = {"digits": [1] * 8192}
    grows = struct_of(document).ByteSize() / len(canonical(document))
    assert 5 < grows < 0.75 * MESSAGE_BYTES / DOCUMENT_BYTES
