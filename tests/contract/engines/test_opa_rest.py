"""OPA by URL: servers that are away, forget, lie, stall, or are not who they say they are."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from governance_svc.adapters.policy_engines.opa_rest import OpaRest
from governance_svc.adapters.policy_engines.opa_session import OpaAddress, OpaSession
from governance_svc.adapters.policy_engines.policy_session import RegoError
from governance_svc.domain.policy.bundle import BundleRefused
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.builders.bundles import small_bundle
from tests.support.servers.opa import Answering, OpaServer, http, opa_program
from tests.support.waiting.until import PATIENCE

YES = {"allow": True, "name": "x"}


def patient(url: str, **more: Any) -> OpaAddress:
    """The address of a server whose answers are waited for."""
    return OpaAddress(url, connect=PATIENCE, answer=PATIENCE, loading=PATIENCE, **more)


NOT_OPA = {
    "garbage": http("200 OK", b"<html>"),
    "no_object": http("200 OK", b"[]"),
    "server_error": http("500 Internal Server Error", b"oops"),
    "bad_gateway": http("502 Bad Gateway", b'{"code": "bad"}'),
    "unauthorized": http("401 Unauthorized", b'{"code": "unauthorized"}'),
    "redirect": http("302 Found", b"", "location: http://localhost:1/"),
    "no_number": http("200 OK", b'{"result": NaN}'),
    "nested_without_end": http("200 OK", b"[" * 200_000),
    "cut_short": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
    "no_http": b"SSH-2.0-OpenSSH\r\n",
    "silence": None,
}


@pytest.mark.parametrize("kind", sorted(NOT_OPA))
async def test_what_is_not_opa_speaking_is_no_answer(kind: str) -> None:
    async with Answering(NOT_OPA[kind]) as server:
        session = OpaSession(OpaAddress(server.url, answer=0.3, connect=0.3))
        with pytest.raises(PolicyEngineUnavailable):
            await session.document("phoenix.decide", {})
        await session.close()


async def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance_svc.adapters.policy_engines.opa_session.MAX_ANSWER_BYTES", 1000)
    async with Answering(http("200 OK", b" " * 2000)) as server:
        session = OpaSession(patient(server.url))
        with pytest.raises(PolicyEngineUnavailable, match="too large"):
            await session.document("phoenix.decide", {})
        await session.close()


async def test_opas_own_errors_are_answers_and_undefined_is_none() -> None:
    async with Answering(
        http("500 ", b'{"code": "internal_error", "message": "conflict"}')
    ) as server:
        session = OpaSession(patient(server.url))
        with pytest.raises(RegoError, match="conflict"):
            await session.document("phoenix.decide", {})
        await session.close()
    async with Answering(http("200 OK", b"{}")) as server:
        session = OpaSession(patient(server.url))
        assert await session.document("phoenix.decide", {}) is None
        await session.close()


async def test_the_token_is_sent_and_never_shown() -> None:
    async with Answering(http("200 OK", b"{}")) as server:
        address = patient(server.url, token="hush")
        session = OpaSession(address)
        await session.document("phoenix.decide", {})
        await session.close()
        assert b"authorization: Bearer hush" in server.requests[0]
    assert "hush" not in repr(address)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


async def test_a_server_is_trusted_by_the_authority_that_is_configured(tmp_path: Path) -> None:
    cert_file, key_file = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert_file, key_file)
    async with Answering(http("200 OK", b'{"result": 1}'), tls=tls) as server:
        ours = OpaSession(patient(server.url, ca_file=cert_file))
        assert await ours.document("phoenix.decide", {}) == 1
        await ours.close()
        untrusting = OpaSession(patient(server.url))
        with pytest.raises(PolicyEngineUnavailable):
            await untrusting.document("phoenix.decide", {})
        await untrusting.close()


# ---- with a real server


@pytest_asyncio.fixture
async def server() -> AsyncIterator[OpaServer]:
    program = opa_program()
    if program is None:
        pytest.skip("no OPA server: `make test-opa` builds one where Go is")
    server = OpaServer(program)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def opa_engine(server: OpaServer) -> AsyncIterator[OpaRest]:
    opa_engine = OpaRest(patient(server.url))
    await opa_engine.load(small_bundle())
    yield opa_engine
    await opa_engine.close()


async def allows(opa_engine: OpaRest) -> bool:
    answer = (await opa_engine.evaluate(DecisionPoint.RETIRE, [YES])).answer
    return isinstance(answer, list) and answer[0]["effect"] == "allow"


async def test_a_server_that_is_away_decides_nothing_and_one_that_forgot_is_told_again(
    server: OpaServer, opa_engine: OpaRest
) -> None:
    await server.stop()
    with pytest.raises(PolicyEngineUnavailable):
        await opa_engine.evaluate(DecisionPoint.RETIRE, [YES])
    await server.start()
    answers = await asyncio.gather(*(allows(opa_engine) for _ in range(8)))
    assert all(answers)


async def test_an_answer_of_another_policy_is_never_used(
    server: OpaServer, opa_engine: OpaRest
) -> None:
    other = OpaRest(patient(server.url))
    await other.load(small_bundle(more="package phoenix.more\n\nyes := true"))
    with pytest.raises(PolicyEngineUnavailable, match="serves the policy"):
        await opa_engine.evaluate(DecisionPoint.RETIRE, [YES])
    assert await allows(other)
    await other.close()


async def test_modules_that_are_not_ours_are_left_alone(
    server: OpaServer, opa_engine: OpaRest
) -> None:
    guest = OpaSession(patient(server.url))
    await guest._send("PUT", "/v1/policies/guest", content="package guest\n\nhere := true")
    await opa_engine.load(small_bundle(more="package phoenix.more\n\nyes := true"))
    assert await guest.document("guest.here", {}) is True
    await guest.close()


async def test_a_refused_bundle_is_taken_away_again_at_once(
    server: OpaServer, opa_engine: OpaRest
) -> None:
    guest = OpaSession(patient(server.url))
    with pytest.raises(BundleRefused):
        await opa_engine.load(small_bundle(bad="package phoenix.bad\n\nx := nosuch(1)"))
    assert await guest.document("phoenix_bundle.revision", {}) == opa_engine.revision
    assert await guest.document("phoenix.bad", {}) is None
    await guest.close()
