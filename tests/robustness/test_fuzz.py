"""The REST decoder answers any input with a message or a refusal; any session ends with a reason.

The decoder is tried in this process, thousands of times; the session on the wire, against the real
registry behind the real gateway. What is drawn is the same in every run; the long form draws five
times as much.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import grpc.aio
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from gateway.problems import status_of
from gateway.rest.body import parse
from gateway.rest.json_writer import document
from gateway.rest.query import read_query
from gateway.rest.requests import RestRequest, message_of
from gateway.rest.routes import WHOLE, RestRoute, rest_routes
from phoenix_dma.aio.rpc.transport import bearer
from phoenix_dma.v1 import session_pb2
from phoenix_dma.wire.stream_termination import keep_final_status
from phoenix_runtime.core.errors import FieldInvalid, Refused
from tests.e2e.scenarios.intervals import ATTEMPT
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.bad_input.target import (
    HOLDER,
    INTERNALS,
    KEEP_ALIVE,
    OUR_FAULT,
    Target,
    runtime,
    target,
    told_of,
)
from tests.robustness.forms import long_form

__all__ = ["runtime", "target"]

SESSIONS: Final = 30
MORE_SESSIONS: Final = 300
BODIES: Final = (600, *long_form(3000))
COMMON: Final[dict[str, Any]] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
ROUTES: Final = rest_routes()
NAMES: Final = sorted(
    {
        field.name
        for route in ROUTES
        for message in [route.rpc.request.DESCRIPTOR]
        for one in [message, *(f.message_type for f in message.fields if f.message_type)]
        for field in one.fields
    }
)

# ---- the decoder

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["low", "RISK_LEVEL_LOW", "60s", "2026-01-01T00:00:00Z", "1", "-1", "\ud800"])
)
names = st.sampled_from([*NAMES, "", "taskId", "\0", "\ud800", "__proto__"])
inside = scalars | st.lists(scalars, max_size=3) | st.dictionaries(names, scalars, max_size=3)
values = inside | st.lists(inside, max_size=3) | st.dictionaries(names, inside, max_size=4)
bodies = st.dictionaries(names, values, max_size=6)
tokens = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"u", b"null", b"1e", b"-", b"NaN", b"\xff"]
    + [name.encode() for name in NAMES]
)


def draw(examples: int, check: Callable[..., None], *strategies: Any) -> None:
    """Check so many examples of what the strategies draw."""
    given(*strategies)(settings(max_examples=examples, **COMMON)(check))()


@pytest.mark.parametrize("examples", BODIES)
def test_any_bytes_are_a_value_or_a_refusal(examples: int) -> None:
    contents = st.binary(max_size=200) | st.lists(tokens, max_size=40).map(b"".join)
    draw(examples, is_a_value_or_a_refusal, contents)


def is_a_value_or_a_refusal(content: bytes) -> None:
    try:
        value = parse(content)
    except Refused as refused:
        told(refused)
    else:
        # Read in one way only: what the standard library reads is the same.
        assert json.loads(content) == value


@pytest.mark.parametrize("examples", BODIES)
def test_any_json_is_a_message_or_a_refusal_by_fields(examples: int) -> None:
    def is_decoded(body: Any, route: RestRoute) -> None:
        decoded(route, RestRequest(body=body if route.body else None))

    draw(examples, is_decoded, bodies | values, st.sampled_from(ROUTES))


@pytest.mark.parametrize("examples", BODIES)
def test_any_query_and_any_key_are_a_message_or_a_refusal(examples: int) -> None:
    drawn = (st.binary(max_size=60), st.sampled_from(ROUTES), st.text(max_size=140))
    draw(examples, is_a_message_or_a_refusal, *drawn)


def is_a_message_or_a_refusal(raw: bytes, route: RestRoute, key: str) -> None:
    try:
        query = read_query(raw)
    except Refused as refused:
        told(refused)
        return
    decoded(route, RestRequest(query=query, body={} if route.body else None, idempotency_key=key))


def decoded(route: RestRoute, request: RestRequest) -> None:
    """A message that can be sent and written back, or a refusal that names fields."""
    try:
        message = message_of(route, request)
    except FieldInvalid as refused:
        told(refused)
        by_the_callers_paths(route, refused)
    else:
        event("a message")
        assert type(message).FromString(message.SerializeToString()) == message
        json.dumps(document(message), allow_nan=False)


def by_the_callers_paths(route: RestRoute, refused: FieldInvalid) -> None:
    """Violations name something printable, and never the field that the body fills."""
    fields = [violation.field for violation in refused.violations]
    assert fields
    assert all(field and field.isascii() and field.isprintable() for field in fields)
    if route.body not in {"", WHOLE}:
        assert not any(field.startswith(f"{route.body}.") for field in fields)


def told(refused: Refused) -> None:
    """It is the caller's own mistake, and says nothing of our insides."""
    assert 400 <= status_of(refused) < 500
    assert not INTERNALS.search(refused.text)
    assert refused.remedy


# ---- the session

FUZZED: Final = "agent.fuzzed"
CURRENT: Final = 1
"""Stands for the generation of the moment."""
numbers = st.sampled_from([0, 0, 0, 1, -1, 7])
enums: Any = st.sampled_from([0, 1, 2, 3, 4, 99])
credentials = st.sampled_from(["", "", "", "$own", "$other", "$foreign", "a.b.c", "x"])
beat = st.builds(
    session_pb2.Beat,
    slot=numbers,
    load=st.none() | st.sampled_from([0.0, 0.5, 1.0]) | st.floats(width=32),
    state=enums,
)


def request_of(kind: str) -> Callable[[Any], session_pb2.KeepAliveRequest]:
    """Make a function that wraps a message of this kind into a request of the stream."""
    return lambda said: session_pb2.KeepAliveRequest(**{kind: said})


goes_up = {
    "attach": st.builds(
        session_pb2.Attach,
        participant_id=st.sampled_from([FUZZED, FUZZED, FUZZED, HOLDER, "agent..x", "", "\u0430"]),
        generation=st.sampled_from([CURRENT, CURRENT, CURRENT, 0, -1, 2**62]),
        credential=credentials,
    ),
    "beats": st.builds(
        session_pb2.Beats,
        seq=st.integers(-(2**63), 2**63 - 1),
        beats=st.lists(beat, max_size=3),
        unchanged=st.lists(numbers, max_size=3),
    ),
    "refresh": st.builds(session_pb2.Refresh, slot=numbers, credential=credentials),
    "directive_ack": st.builds(
        session_pb2.DirectiveAck,
        slot=numbers,
        directive_id=st.sampled_from(["directive.1", "directive.1", "", "\0", "a b"]),
        error=st.sampled_from(["", "no", "\u202e"]),
    ),
    "goodbye": st.builds(session_pb2.Goodbye, slot=numbers),
}
FIRST: Final = session_pb2.KeepAliveRequest(
    attach=session_pb2.Attach(participant_id=FUZZED, generation=CURRENT)
)
BEAT: Final = session_pb2.KeepAliveRequest(beats=session_pb2.Beats(seq=1, unchanged=[0]))
anything = st.one_of(
    *(inner.map(request_of(name)) for name, inner in goes_up.items()),
    *[st.just(BEAT)] * 5,
    st.sampled_from([session_pb2.KeepAliveRequest(), b"\xff", b"\x12\x7f"]),
)
sessions = st.tuples(
    st.sampled_from([[FIRST], [FIRST, BEAT], []]), st.lists(anything, max_size=12)
).map(lambda parts: [*parts[0], *parts[1]])


@pytest.mark.asyncio(loop_scope="session")
@given(messages=sessions)
@settings(max_examples=SESSIONS, **COMMON)
async def test_any_session_ends_with_a_reason(target: Target, messages: list[Any]) -> None:
    await ends_with_a_reason(target, messages)


@pytest.mark.long
@pytest.mark.asyncio(loop_scope="session")
@given(messages=sessions)
@settings(max_examples=MORE_SESSIONS, **COMMON)
async def test_many_more_sessions_end_with_a_reason(target: Target, messages: list[Any]) -> None:
    await ends_with_a_reason(target, messages)


async def ends_with_a_reason(target: Target, messages: list[Any]) -> None:
    """Send the messages on a stream: it ends by itself, or with the caller's own fault."""
    fuzzed = await target.scenario.unregistered(FUZZED)
    await fuzzed.register()
    content = [encoded(target.scenario, fuzzed.generation, one) for one in messages]
    token = target.scenario.participant_token(FUZZED)
    open_stream: Any = target.channel.stream_stream(KEEP_ALIVE, None, None)
    call = keep_final_status(open_stream(iter(content), metadata=bearer(token), timeout=ATTEMPT))
    try:
        async for answer in call:
            heard(session_pb2.KeepAliveResponse.FromString(answer))
        event("ended by itself")
    except grpc.aio.AioRpcError as error:
        found = told_of(error)
        assert found.code not in OUR_FAULT, found
        assert found.reason, found
        assert not INTERNALS.search(found.text), found
        event(found.reason)


@pytest.mark.asyncio(loop_scope="session")
async def test_after_all_that_a_session_is_as_good_as_the_first(target: Target) -> None:
    fuzzed = await target.scenario.participant(FUZZED)
    assert await target.scenario.standing(FUZZED, "active")
    await fuzzed.say_goodbye()
    await target.everybody_serves()


def heard(answer: session_pb2.KeepAliveResponse) -> None:
    """What comes down is something, and a loss says why."""
    kind = answer.WhichOneof("message")
    assert kind
    if kind == "lease_lost":
        assert answer.lease_lost.reason != session_pb2.LEASE_LOST_REASON_UNSPECIFIED
        assert answer.lease_lost.text
        assert not INTERNALS.search(answer.lease_lost.text)


def encoded(scenario: Scenario, generation: int, message: Message | bytes) -> bytes:
    """The bytes of a message; what stands for a credential or a generation becomes one."""
    if isinstance(message, bytes):
        return message
    made: Any = type(message)()
    made.CopyFrom(message)
    kind = made.WhichOneof("message")
    if kind in {"attach", "refresh"}:
        said = getattr(made, kind)
        said.credential = credential(scenario, said.credential)
    if kind == "attach" and made.attach.generation == CURRENT:
        made.attach.generation = generation
    content: bytes = made.SerializeToString()
    return content


def credential(scenario: Scenario, name: str) -> str:
    """A genuine one of somebody, or what was drawn."""
    if name == "$own":
        return scenario.participant_token(FUZZED)
    if name == "$other":
        return scenario.participant_token(HOLDER)
    if name == "$foreign":
        return scenario.participant_token(FUZZED, tenant="tenant.elsewhere")
    return name
