"""Bad input is refused by field and with a remedy, over gRPC and REST, and changes nothing.

The tables are in `bad_input/`; the short form tries the first value of each kind, the long one all.
After every case the audit (but for refusals, which are audited) and every table of the tenant are
what they were; after all of them every service still serves, none has logged an error, and
`validate` finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc.aio
import pytest

from tests.e2e.scenarios.intervals import ATTEMPT
from tests.robustness.bad_input import (
    contexts,
    effects,
    numbers,
    participants,
    raw_http,
    reads,
    sessions,
    tasks,
    transport,
)
from tests.robustness.bad_input.cases import Both, Rest, Wire
from tests.robustness.bad_input.raw_http import Raw
from tests.robustness.bad_input.sessions import Stream
from tests.robustness.bad_input.target import (
    HOLDER,
    INTERNALS,
    OUR_FAULT,
    PACKAGE,
    ROUTES,
    Target,
    runtime,
    says_what_to_do,
    target,
)
from tests.robustness.forms import long_form

__all__ = ["runtime", "target"]

on_one_loop = pytest.mark.asyncio(loop_scope="session")
CASES = [
    *participants.CASES,
    *tasks.CASES,
    *contexts.CASES,
    *reads.CASES,
    *numbers.CASES,
    *effects.CASES,
    *transport.CASES,
]
BOTH = [case for case in CASES if isinstance(case, Both)]
REST = [case for case in CASES if isinstance(case, Rest)]
WIRE = [case for case in CASES if isinstance(case, Wire)]


def kind_of(case: Both | Rest | Wire) -> tuple[object, ...]:
    """What is refused, and how: values that differ in nothing else pass the same check."""
    where = case.rpc if isinstance(case, Wire) else case.path if isinstance(case, Both) else ""
    return where, case.refusal.reason, case.refusal.status, case.refusal.field


def sampled(cases: Iterable[Both | Rest | Wire]) -> list[Any]:
    """The first case of each kind; the others are of the long form."""
    kinds: set[tuple[object, ...]] = set()
    found = []
    for case in cases:
        found.append(case if kind_of(case) not in kinds else long_form(case)[0])
        kinds.add(kind_of(case))
    return found


CODES = {"TOO_LARGE": "RESOURCE_EXHAUSTED"}
"""Of the reasons that are not INVALID_ARGUMENT."""


def test_there_are_at_least_200_cases_and_no_two_have_one_name() -> None:
    assert len(CASES) >= 200
    for kind in (BOTH, REST, WIRE, sessions.CASES, raw_http.CASES):
        found = [str(case) for case in kind]
        assert len(found) == len(set(found)), [one for one in found if found.count(one) > 1]


@on_one_loop
@pytest.mark.parametrize("case", sampled(BOTH), ids=str)
async def test_a_body_is_refused_by_rest(target: Target, case: Both) -> None:
    told = await target.both_over_rest(case)
    assert (told.code, told.reason) == (case.refusal.status, case.refusal.reason), told
    says_what_to_do(told, case.refusal.field)
    await target.nothing_changed()


@on_one_loop
@pytest.mark.parametrize("case", sampled(BOTH), ids=str)
async def test_the_same_message_is_refused_by_grpc(target: Target, case: Both) -> None:
    told = await target.both_over_grpc(case)
    wanted = CODES.get(case.refusal.reason, "INVALID_ARGUMENT")
    assert (told.code, told.reason) == (wanted, case.refusal.reason), told
    inside = ROUTES[case.path].body
    prefix = "" if inside == "*" or not case.refusal.field else f"{inside}."
    says_what_to_do(told, prefix + case.refusal.field)
    await target.nothing_changed()


@on_one_loop
@pytest.mark.parametrize("case", sampled(REST), ids=str)
async def test_a_request_is_refused_by_rest(target: Target, case: Rest) -> None:
    told = await target.over_rest(case)
    assert (told.code, told.reason) == (case.refusal.status, case.refusal.reason), told
    says_what_to_do(told, case.refusal.field)
    await target.nothing_changed()


@on_one_loop
@pytest.mark.parametrize("case", sampled(WIRE), ids=str)
async def test_a_call_is_refused_by_grpc(target: Target, case: Wire) -> None:
    told = await target.over_grpc(case)
    assert told.code not in OUR_FAULT, told
    assert (told.code, told.reason) == (case.code, case.refusal.reason), told
    if told.reason:
        says_what_to_do(told, case.refusal.field)
    await target.nothing_changed()


@on_one_loop
async def test_a_compressed_message_is_measured_by_what_is_in_it(target: Target) -> None:
    """64 MiB of nothing, in 64 KiB."""
    bomb = grpc.aio.insecure_channel(
        target.scenario.runtime.address("gateway"),
        options=[("grpc.max_send_message_length", -1)],
        compression=grpc.Compression.Gzip,
    )
    submit: Any = bomb.unary_unary(f"/{PACKAGE}.{transport.SUBMIT_RPC}", None, None)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await submit(bytes(64 << 20), metadata=tuple(target.bearer().items()), timeout=ATTEMPT)
    await bomb.close(None)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, refused.value
    await target.everybody_serves()
    await target.nothing_changed()


@on_one_loop
async def test_metadata_are_bounded(target: Target) -> None:
    """Beyond the limit gRPC itself refuses, before the runtime is asked."""
    call: Any = target.channel.unary_unary(f"/{PACKAGE}.AssignmentService/GetTask", None, None)
    said = (*target.bearer().items(), ("x-long", "a" * (80 << 10)))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(b"", metadata=said, timeout=ATTEMPT)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, refused.value
    await target.everybody_serves()


@on_one_loop
@pytest.mark.parametrize("case", sessions.CASES, ids=str)
async def test_a_session_ends_with_a_reason(target: Target, case: Stream) -> None:
    told = await target.over_a_stream(case)
    if isinstance(told, str):
        assert told == case.lost
    else:
        assert case.refusal is not None, told
        assert (told.code, told.reason) == (case.code, case.refusal.reason), told
        if told.reason:
            says_what_to_do(told, case.refusal.field)
    await target.nothing_changed()


@on_one_loop
async def test_who_changes_its_identity_on_a_stream_is_audited(target: Target) -> None:
    case = next(one for one in sessions.CASES if one.name == "a stream that changes who it is")
    await target.over_a_stream(case)
    found = await target.scenario.event("ACCESS_REFUSED", actor=HOLDER)
    assert found.detail


@on_one_loop
@pytest.mark.parametrize("case", raw_http.CASES, ids=str)
async def test_what_is_no_http_is_refused_and_the_port_goes_on(target: Target, case: Raw) -> None:
    credential = f"Authorization: {target.bearer()['authorization']}\r\n".encode()
    address = target.scenario.runtime.address("rest")
    content = case.content.replace(b"{credential}", credential)
    answer = await raw_http.answer_to(address, content)
    # Where the other side hung up at once, there is nothing to be read.
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:300]
    assert not INTERNALS.search(answer.decode("latin-1")), answer
    await target.everybody_serves()
    await target.nothing_changed()
