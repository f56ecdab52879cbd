"""The chassis on a real socket: which credentials are let in, for calls and streams."""

from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from joserfc.jwk import OKPKey

from phoenix_dma.v1 import session_pb2, session_pb2_grpc
from phoenix_dma.wire.stream_termination import keep_final_status
from tests.support.builders.keys import Keys, bearer
from tests.support.servers.sample_server import get_task, refusal


async def test_a_genuine_credential_is_let_in(server_address: str, keys: Keys) -> None:
    answer = await get_task(server_address, "t", bearer(keys.token("submitter", sub="alice")))
    assert answer.task.submitter == "alice"


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("expired", {"life": timedelta(minutes=-10)}),
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
    server_address: str, keys: Keys, name: str, claims: dict[str, Any]
) -> None:
    code, found = await refusal(server_address, "t", bearer(keys.token("submitter", **claims)))
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
    server_address: str, header: str | None
) -> None:
    code, _ = await refusal(server_address, "t", (("authorization", header),) if header else ())
    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_stream_asks_for_a_credential_too(server_address: str, keys: Keys) -> None:
    async with grpc.aio.insecure_channel(server_address) as channel:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        beat = session_pb2.KeepAliveRequest(beats=session_pb2.Beats(seq=7))
        call = keep_final_status(stub.KeepAlive(iter([beat])))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        token = keys.token("participant", participant="a", sub="a")
        answers = [a async for a in stub.KeepAlive(iter([beat]), metadata=bearer(token))]
        assert [a.beat_ack.seq for a in answers] == [7]
