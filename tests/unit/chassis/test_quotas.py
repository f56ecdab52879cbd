"""What a tenant may ask: tokens by kind, places beside others, streams; each with its own clock."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from google.rpc import error_details_pb2, status_pb2

from phoenix_runtime.chassis.limits.concurrency import RECENT_SECONDS, ConcurrencyLimit
from phoenix_runtime.chassis.limits.quotas import Quotas, QuotaTerms
from phoenix_runtime.chassis.limits.token_buckets import Bucket, Kind, kind_of
from phoenix_runtime.chassis.rpc.statuses import status_of
from phoenix_runtime.chassis.schema import rpcs
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.errors import QuotaExceeded
from tests.support.waiting.until import PATIENCE

RPCS = {rpc.method: rpc for rpc in rpcs().values()}
SUBMIT, GET, KEEP_ALIVE = RPCS["SubmitTask"], RPCS["GetTask"], RPCS["KeepAlive"]


def limit(
    clock: ManualClock, *, alone: int = 10, shared: int = 2, waiting: int = 3
) -> ConcurrencyLimit:
    return ConcurrencyLimit(alone=alone, shared=shared, waiting=waiting, clock=clock)


async def settled() -> None:
    """Let everything run that can run."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    bucket = Bucket(rate=10, burst=2, now=0)
    assert [bucket.take(0) for _ in range(20)] == [0] * 20
    assert bucket.take(0) == pytest.approx(0.1)
    assert bucket.take(0.05) == pytest.approx(0.05)
    assert bucket.take(0.1) == 0
    assert [bucket.take(100) for _ in range(21)][-2:] == [0, pytest.approx(0.1)]


def test_who_borrows_waits_its_turn_and_a_refusal_borrows_nothing() -> None:
    bucket = Bucket(rate=10, burst=0.1, now=0)
    assert [bucket.borrow(0) for _ in range(3)] == pytest.approx([0, 0.1, 0.2])
    assert bucket.take(0) == bucket.take(0) == pytest.approx(0.3)


def test_a_bucket_of_less_than_one_call_still_lets_one_in() -> None:
    bucket = Bucket(rate=0.1, burst=1, now=0)
    assert bucket.take(0) == 0
    assert bucket.take(0) == pytest.approx(10)


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("SubmitTask", Kind.MUTATION),
        ("RegisterParticipant", Kind.MUTATION),
        ("Enrol", Kind.MUTATION),
        ("CheckpointContext", Kind.MUTATION),
        ("GetTask", Kind.READ),
        ("ListTasks", Kind.READ),
        ("DiscoverParticipants", Kind.SEARCH),
        ("ListAuditEvents", Kind.SEARCH),
        ("ExplainAssignment", Kind.SEARCH),
        ("GetTaskDossier", Kind.SEARCH),
        ("Heartbeat", Kind.BEAT),
        ("KeepAlive", Kind.BEAT),
    ],
)
def test_the_schema_says_what_a_call_costs(method: str, kind: Kind) -> None:
    assert kind_of(RPCS[method]) is kind


def test_each_kind_is_there() -> None:
    assert set(Counter(kind_of(rpc) for rpc in RPCS.values())) == set(Kind)


def quotas(clock: ManualClock, **terms: float) -> Quotas:
    rates = {Kind.MUTATION: 1.0, Kind.BEAT: 2.0}
    return Quotas(QuotaTerms(rates=rates, burst=1, hold=0, streams=1, **terms), clock)  # type: ignore[arg-type]


async def test_one_tenants_tokens_are_no_other_tenants(clock: ManualClock) -> None:
    told = quotas(clock)
    async with told.admitted("a", SUBMIT):
        pass
    with pytest.raises(QuotaExceeded) as refused:
        await told.admitted("a", SUBMIT).__aenter__()
    assert refused.value.facts == {"limit": "1/s", "kind": "mutation"}
    assert refused.value.retry_after == pytest.approx(1)
    async with told.admitted("b", SUBMIT), told.admitted("a", GET):
        pass  # another tenant, and a kind that is not counted
    clock.advance(1)
    async with told.admitted("a", SUBMIT):
        pass


async def test_a_tenants_streams_are_bounded_and_a_closed_one_counts_no_more(
    clock: ManualClock,
) -> None:
    told = quotas(clock)
    async with told.admitted("a", KEEP_ALIVE):
        with pytest.raises(QuotaExceeded) as refused:
            await told.admitted("a", KEEP_ALIVE).__aenter__()
        assert refused.value.retry_after is None
    clock.advance(1)
    async with told.admitted("a", KEEP_ALIVE):
        pass


async def test_a_call_that_waits_takes_the_place_of_a_stream_and_of_no_call(
    clock: ManualClock,
) -> None:
    quotas = Quotas(QuotaTerms(calls=1, shared_calls=1, waiting=0, streams=1, hold=0), clock)
    async with quotas.admitted("t", RPCS["WaitForDirectives"]), quotas.admitted("t", GET):
        with pytest.raises(QuotaExceeded, match="streams open"):
            async with quotas.admitted("t", KEEP_ALIVE):
                pass


def test_messages_on_streams_are_slowed_and_never_refused(clock: ManualClock) -> None:
    told = quotas(clock)
    assert [told.pace("a") for _ in range(4)] == pytest.approx([0, 0, 0.5, 1.0])
    assert told.pace("b") == 0


async def test_beside_another_tenant_only_so_many_calls_are_under_way(clock: ManualClock) -> None:
    slots = limit(clock)
    await slots.acquire("b")
    for _ in range(2):
        await slots.acquire("a")
    third = asyncio.create_task(slots.acquire("a"))
    await settled()
    assert not third.done()
    await slots.acquire("b")  # the other one has its own share
    slots.release("a")
    await third


async def test_a_tenant_alone_may_use_the_whole_limit(clock: ManualClock) -> None:
    slots = limit(clock)
    await slots.acquire("b")
    slots.release("b")
    clock.advance(RECENT_SECONDS + 0.1)
    for _ in range(10):
        await slots.acquire("a")
    eleventh = asyncio.create_task(slots.acquire("a"))
    await settled()
    assert not eleventh.done()
    slots.release("a")
    await eleventh


async def test_the_line_is_bounded_and_goes_in_order(clock: ManualClock) -> None:
    slots = limit(clock, alone=1)
    await slots.acquire("a")
    came: list[int] = []

    async def come(number: int) -> None:
        await slots.acquire("a")
        came.append(number)

    waiting = [asyncio.create_task(come(number)) for number in range(3)]
    await settled()
    with pytest.raises(QuotaExceeded):
        await slots.acquire("a")
    for _ in range(3):
        slots.release("a")
        await settled()
    await asyncio.gather(*waiting)
    assert came == [0, 1, 2]


async def test_who_goes_away_while_it_waits_leaves_no_place_taken(clock: ManualClock) -> None:
    slots = limit(clock, alone=1)
    await slots.acquire("a")
    waiting = asyncio.create_task(slots.acquire("a"))
    called = asyncio.create_task(slots.acquire("a"))
    await settled()
    waiting.cancel()
    await settled()
    slots.release("a")  # it is called ...
    called.cancel()  # ... and goes away in the same moment
    await settled()
    assert waiting.cancelled()
    assert called.cancelled()
    await asyncio.wait_for(slots.acquire("a"), PATIENCE)
    slots.release("a")
    with pytest.raises(KeyError):
        slots.release("a")  # nothing is kept of who has nothing


async def test_a_call_that_fails_gives_its_place_back(clock: ManualClock) -> None:
    told = Quotas(QuotaTerms(calls=1, shared_calls=1, waiting=0), clock)
    with pytest.raises(ZeroDivisionError):
        async with told.admitted("a", GET):
            raise ZeroDivisionError
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(told.admitted("a", GET))
        with pytest.raises(QuotaExceeded):
            await stack.enter_async_context(told.admitted("a", GET))


def test_the_refusal_says_on_the_wire_when_to_come_back() -> None:
    status: status_pb2.Status = status_of(QuotaExceeded("Too much", {}, retry_after=0.25))
    info = error_details_pb2.RetryInfo()
    assert status.details[-1].Unpack(info)
    assert info.retry_delay.ToMilliseconds() == 250
    told = status_of(QuotaExceeded("Too much of something that stays"))
    assert not any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in told.details)
