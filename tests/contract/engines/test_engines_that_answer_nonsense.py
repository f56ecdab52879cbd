"""Whatever a policy engine answers, the service has a decision or `PolicyEngineUnavailable`."""

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines.bundle_admission import admit, restore
from governance_svc.adapters.policy_engines.child_session import ChildSession, EngineLimits
from governance_svc.adapters.policy_engines.opa_rest import OpaRest
from governance_svc.adapters.policy_engines.opa_session import OpaAddress, OpaSession
from governance_svc.domain.policy.bundle import PolicyBundle
from governance_svc.domain.policy.engine import PolicyEngine
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.builders.bundles import small_bundle
from tests.support.fakes.opa import FAULTS, MISREAD, FakeOpa
from tests.support.servers.opa import Answering, http
from tests.support.servers.policy_engines import YES, decide
from tests.support.waiting.until import PATIENCE

ASKED: dict[str, Any] = YES

NONSENSE = {
    "nothing": http("204 No Content", b""),
    "undefined": http("200 OK", b"{}"),
    "true": http("200 OK", b'{"result": true}'),
    "a text": http("200 OK", b'{"result": "true"}'),
    "an empty object": http("200 OK", b'{"result": {}}'),
    "an empty list": http("200 OK", b'{"result": []}'),
    "ids that are none": http("200 OK", b'{"result": [1, null, {"id": 2}]}'),
    "ids for no URL": http("200 OK", b'{"result": [{"id": "phoenix/\\u0000"}]}'),
    "an error of OPA": http("500 ", b'{"code": "internal_error", "message": "oops"}'),
    "a refusal of OPA": http("400 ", b'{"code": "invalid_parameter", "errors": [1, {"x": 2}]}'),
    "no JSON": http("200 OK", b"<html>"),
    "an error of somebody else": http("500 ", b"oops"),
}
"""What a server answers to everything."""


def address(url: str) -> OpaAddress:
    return OpaAddress(url, connect=PATIENCE, answer=PATIENCE, loading=PATIENCE)


@pytest.mark.parametrize("bundle", [shipped_bundle(), small_bundle()], ids=["shipped", "own"])
@pytest.mark.parametrize("kind", NONSENSE)
async def test_a_server_that_is_no_engine_is_unavailable(kind: str, bundle: PolicyBundle) -> None:
    async with Answering(NONSENSE[kind]) as server:
        engine = OpaRest(address(server.url))
        with pytest.raises(PolicyEngineUnavailable, match=r"OPA server|policy engine"):
            await engine.load(bundle)
        with pytest.raises(PolicyEngineUnavailable):
            await engine.evaluate(DecisionPoint.RETIRE, [ASKED])
        await engine.close()


@pytest_asyncio.fixture
async def opa() -> AsyncIterator[FakeOpa]:
    async with FakeOpa() as server:
        yield server


HASTE = 0.3
"""Seconds after which an answer is no more waited for, where one never comes."""


@pytest.mark.parametrize("fault", sorted(MISREAD))
async def test_the_rules_of_this_release_are_never_at_fault(opa: FakeOpa, fault: str) -> None:
    engine = OpaRest(address(opa.url))
    with opa.failing(fault), pytest.raises(PolicyEngineUnavailable, match="rules of this release"):
        await engine.load(shipped_bundle(), tested=True)
    await engine.close()


@pytest.mark.parametrize("fault", sorted({**FAULTS, **MISREAD}))
async def test_an_engine_that_begins_to_answer_nonsense_allows_nothing(
    opa: FakeOpa, fault: str
) -> None:
    engine = OpaRest(OpaAddress(opa.url, connect=PATIENCE, answer=HASTE, loading=PATIENCE))
    await engine.load(small_bundle())
    engine._push_session.set_deadline(HASTE)
    with opa.failing(fault):
        assert not await _allowed(engine)
    await engine.close()


async def _allowed(engine: PolicyEngine) -> bool:
    try:
        (verdict,) = await decide(engine, YES)
    except PolicyEngineUnavailable:
        return False
    return verdict.allowed


async def test_a_server_that_does_not_say_which_policy_it_serves_is_unavailable() -> None:
    """Whoever asked for a decision is told of no rule that failed."""
    async with (
        Answering(NONSENSE["undefined"]) as lost,
        Answering(NONSENSE["an error of OPA"]) as bad,
    ):
        engine = OpaRest(address(lost.url))
        engine._push_session = OpaSession(address(bad.url))
        engine._bundle = small_bundle()
        with pytest.raises(PolicyEngineUnavailable, match="which policy it serves: oops"):
            await engine.evaluate(DecisionPoint.RETIRE, [ASKED])
        await engine.close()


class Pipes:
    """A child process that has written these bytes, and reads whatever it is sent."""

    pid = 1

    def __init__(self, written: bytes) -> None:
        self.returncode: int | None = None
        self.stdin = self
        self.stdout = asyncio.StreamReader()
        self.stdout.feed_data(written)
        self.stdout.feed_eof()

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes) -> None:
        """Take a request."""

    async def drain(self) -> None:
        """Take it at once."""

    def kill(self) -> None:
        self.returncode = -9

    async def wait(self) -> int:
        return self.returncode or 0


def frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


FRAMES = {
    "nothing": b"",
    "half a length": b"\x00\x00",
    "a length beyond the limit": b"\xff\xff\xff\xff",
    "no JSON": frame(b"<html>"),
    "no UTF-8": frame(b"\xff"),
    "a list": frame(b"[]"),
    "true": frame(b"true"),
    "an empty object": frame(b"{}"),
    "a value and an error": frame(b'{"value": 1, "error": "both"}'),
    "a result and an error": frame(b'{"result": null, "error": "both"}'),
    "an error without words": frame(b'{"error": {}}'),
    "results that are none": frame(b'{"result": [1]}'),
    "a result without a value": frame(b'{"result": [{"expressions": []}]}'),
    "no number": frame(b'{"result": NaN}'),
    "nested without end": frame(b"[" * 200_000),
}


@pytest.mark.parametrize("kind", FRAMES)
async def test_a_child_that_answers_nonsense_is_killed_and_was_no_answer(kind: str) -> None:
    process: Any = Pipes(FRAMES[kind])
    session = ChildSession(process, EngineLimits(loading=PATIENCE, queue=PATIENCE))
    with pytest.raises(PolicyEngineUnavailable):
        await session.document("phoenix.decide", {})
    assert session.ended


class Answers:
    """A `PolicySession` with one answer to every question."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def put_modules(self, modules: Any) -> None:
        """Take them."""

    async def put_data(self, name: str, value: Any) -> None:
        """Take it."""

    async def document(self, path: str, input_document: Any) -> Any:
        return input_document["word"] if path.endswith(".echo") else self.answer

    async def documents(self, paths: Any) -> Any:
        return [self.answer for _ in paths]

    async def activate(self, revision: str) -> None:
        """Do nothing."""


TREES: list[Any] = [
    None,
    True,
    [],
    {},
    {"decide.rego": 1},
    {"decide.rego": {}, "decide_test.rego": {}},
]


@pytest.mark.parametrize("answer", TREES, ids=str)
async def test_syntax_trees_that_are_none_are_the_engines_fault(answer: Any) -> None:
    with pytest.raises(PolicyEngineUnavailable, match="syntax trees"):
        await admit(Answers(answer), small_bundle(), tested=False)


async def test_a_policy_is_restored_in_an_engine_that_answers_what_it_is_asked() -> None:
    await restore(Answers(None), small_bundle())
