"""One tenant floods the runtime by every way there is; another one hardly notices (I12, I14).

The quotas are those of an operator who shares a small machine between tenants; the defaults are
generous.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

import grpc.aio
import httpx
import pytest
import pytest_asyncio
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.core.errors import QuotaExceeded
from tests.e2e.intervals import INTERVALS, PATIENCE
from tests.e2e.proof import prove
from tests.e2e.stage import STEWARD, TASK, Stage
from tests.robustness.crowds.measures import percentile
from tests.robustness.floods.caller import Ask, Caller, Credentials
from tests.robustness.floods.flood import Orders, flood
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

QUOTAS: Final = {
    "PHOENIX_DMA_QUOTA_MUTATIONS": "4",
    "PHOENIX_DMA_QUOTA_READS": "20",
    "PHOENIX_DMA_QUOTA_SEARCHES": "4",
    "PHOENIX_DMA_QUOTA_BEATS": "20",
    "PHOENIX_DMA_QUOTA_BURST": "1",
    "PHOENIX_DMA_QUOTA_SHARED_CALLS": "2",
}
LONG_LEASES: Final = {"PHOENIX_DMA_LEASE_TTL": "15", "PHOENIX_DMA_HEARTBEAT_INTERVAL": "3"}
PHASES: Final = 2
ROUNDS: Final = 55
"""Of a phase: of a hundred and ten calls on either side one may be slower than the 99th part."""
PACE_SECONDS: Final = 0.15
"""Between two rounds of the tenant that keeps to its quotas."""
SLOWER: Final = 3.0
NOISE: Final = 0.3
"""Seconds that a busy machine may add to the slowest call by itself."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[BreakableRuntime]:
    async with breakable_runtime({**INTERVALS, **QUOTAS, **LONG_LEASES}) as runtime:
        yield runtime


@asynccontextmanager
async def caller(stage: Stage, part: str = "gateway") -> AsyncIterator[Caller]:
    async with grpc.aio.insecure_channel(stage.runtime.address(part)) as channel:
        yield Caller(channel, credentials_of(stage))


def credentials_of(stage: Stage) -> Credentials:
    roles = ["operator", "submitter", "auditor"]
    return Credentials(stage.token(sub="somebody", roles=roles), stage.participant_token(STEWARD))


def flood_by(stage: Stage) -> AbstractAsyncContextManager[Counter[str]]:
    return flood(Orders(stage.runtime.address("gateway"), credentials_of(stage)))


async def measured(caller: Caller) -> list[float]:
    """How long each call of some rounds took, in seconds; none is refused."""
    took = []
    for number in range(ROUNDS):
        ask = caller.ways[number % len(caller.ways)]
        begun = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(PACE_SECONDS)
    return took


@pytest_asyncio.fixture(loop_scope="module")
async def tenants(runtime: BreakableRuntime) -> AsyncIterator[tuple[Stage, Stage]]:
    """A loud one and a calm one, each with its steward."""
    async with AsyncExitStack() as stack:
        names = ("tenant.loud", "tenant.calm")
        loud, calm = [
            await stack.enter_async_context(Stage(runtime, new_id(name))) for name in names
        ]
        await loud.participant(STEWARD)
        await calm.participant(STEWARD)
        yield loud, calm
        await prove(loud)
        await prove(calm)


async def test_the_flood_of_one_tenant_is_hardly_noticed_by_another(
    tenants: tuple[Stage, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    loud, calm = tenants
    async with caller(calm) as asking:
        took: tuple[list[float], list[float]] = ([], [])
        answers: Counter[str] = Counter()
        # In turns: whatever else the machine does meanwhile is on both sides.
        for _ in range(PHASES):
            took[0].extend(await measured(asking))
            async with flood_by(loud) as answered:
                took[1].extend(await measured(asking))
            answers += answered
        quiet, beside = (percentile(one, 0.99) for one in took)
    with capsys.disabled():
        print(
            f"\n  p99 of a calm tenant {quiet * 1000:.0f} ms, beside a flood {beside * 1000:.0f} ms"
        )
        print(f"  the flood was answered {dict(answers)}")
    assert answers["RESOURCE_EXHAUSTED"] > 0
    # What it does to itself is its own affair: its steward may miss its own beats.
    assert set(answers) <= {"OK", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"}, answers
    assert beside <= SLOWER * quiet + NOISE
    await calm.standing(STEWARD, "active")
    assert not await calm.events("PARTICIPANT_FAILED")


async def test_a_tenants_urgent_queue_does_not_hold_up_the_work_of_another(
    tenants: tuple[Stage, Stage],
) -> None:
    loud, calm = tenants
    async with flood_by(loud):
        await calm.submit()
        await calm.task_in(TASK, "assigned", seconds=PATIENCE)


@pytest.mark.parametrize("part", ["gateway", "assignment"])
async def test_who_asks_too_much_is_told_how_much_it_may_and_when_to_come_back(
    runtime: BreakableRuntime, part: str
) -> None:
    async with Stage(runtime, new_id("tenant")) as stage, caller(stage, part) as asking:
        refused = await refusal(asking.explain)
        assert refused.code() is StatusCode.RESOURCE_EXHAUSTED
        told = refusal_of(refused)
        assert isinstance(told, QuotaExceeded)
        assert (told.facts["limit"], told.facts["kind"]) == ("4/s", "search")
        assert told.retry_after is not None
        assert 0 < told.retry_after <= 1
        await asking.submit()  # another kind has tokens of its own
        await prove(stage)


async def test_rest_counts_from_the_same_purse_and_says_429(runtime: BreakableRuntime) -> None:
    async with Stage(runtime, new_id("tenant")) as stage, caller(stage) as asking:
        await refusal(asking.audit)
        token = stage.token(sub="somebody", roles=["auditor"])
        async with httpx.AsyncClient(base_url=stage.profile.rest or "", timeout=PATIENCE) as client:
            headers = {"authorization": f"Bearer {token}"}
            # As many as a purse of its own would hold; a few tokens have come back meanwhile.
            asks = (client.get("/audit/events", headers=headers) for _ in range(20))
            answers = await asyncio.gather(*asks)
        refused = [answer for answer in answers if answer.status_code != 200]
        assert refused
        answer = refused[0]
        assert answer.status_code == 429, answer.text
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["reason"] == "QUOTA_EXCEEDED"
        await asking.submit()
        await prove(stage)


async def refusal(ask: Ask) -> AioRpcError:
    """Ask until it is refused."""
    for _ in range(200):
        try:
            await asyncio.gather(*(ask() for _ in range(10)))
        except AioRpcError as refused:
            return refused
    raise AssertionError("nothing was refused")
