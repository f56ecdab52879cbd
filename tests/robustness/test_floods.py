"""One tenant floods the runtime with calls of every kind; another one is served (I12, I14).

How much slower its calls become is measured by `tests/benchmarks/floods.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.core.errors import QuotaExceeded
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import ATTEMPT
from tests.e2e.scenarios.scenario import TASK, Scenario
from tests.robustness.floods.caller import Ask
from tests.robustness.floods.tenants import (
    ENVIRONMENT,
    active,
    call_in_turn,
    caller,
    flood_by,
    loud_and_calm,
)
from tests.robustness.forms import long_form
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime
from tests.support.servers.http import http_client

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS: Final = (20, *long_form(110))
TOKENS: Final = 4
RATIONS: Final = {
    "PHOENIX_DMA_QUOTA_MUTATIONS": "0.01",
    "PHOENIX_DMA_QUOTA_SEARCHES": "0.01",
    "PHOENIX_DMA_QUOTA_BURST": str(TOKENS * 100),
}
"""So many calls of a kind, and the next one a hundred seconds later."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[BreakableRuntime]:
    async with breakable_runtime(ENVIRONMENT) as runtime:
        yield runtime


@pytest_asyncio.fixture(loop_scope="module")
async def tenants(runtime: BreakableRuntime) -> AsyncIterator[tuple[Scenario, Scenario]]:
    async with loud_and_calm(runtime) as tenants:
        yield tenants


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rationed(runtime: BreakableRuntime) -> BreakableRuntime:
    """The runtime, from now on with buckets that hardly fill up while a test runs."""
    for part in ("gateway", "assignment"):
        await runtime.restart(part, RATIONS)
    return runtime


@pytest.mark.parametrize("calls", CALLS)
async def test_the_flood_of_one_tenant_is_refused_and_nobody_else_is(
    tenants: tuple[Scenario, Scenario], calls: int
) -> None:
    loud, calm = tenants
    async with caller(calm) as asking, flood_by(loud) as answers:
        async for call in call_in_turn(asking, calls):
            await call()  # raises where it is refused
    assert answers["RESOURCE_EXHAUSTED"] > 0
    # What it does to itself is its own affair: its steward may miss its own beats.
    assert set(answers) <= {"OK", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"}, answers
    await active(calm)
    assert not await calm.events("PARTICIPANT_FAILED")


async def test_a_tenants_urgent_queue_does_not_hold_up_the_work_of_another(
    tenants: tuple[Scenario, Scenario],
) -> None:
    loud, calm = tenants
    async with flood_by(loud):
        await calm.submit()
        await calm.event("ASSIGNMENT_CREATED", task=TASK)


@pytest.mark.parametrize("part", ["gateway", "assignment"])
async def test_who_asks_too_much_is_told_how_much_it_may_and_when_to_come_back(
    rationed: BreakableRuntime, part: str
) -> None:
    async with Scenario(rationed, new_id("tenant")) as scenario, caller(scenario, part) as asking:
        refused = await refusal_after_the_last_token(asking.explain)
        assert refused.code() is StatusCode.RESOURCE_EXHAUSTED
        told = refusal_of(refused)
        assert isinstance(told, QuotaExceeded)
        assert (told.facts["limit"], told.facts["kind"]) == ("0.01/s", "search")
        assert told.retry_after is not None
        assert 0 < told.retry_after <= 100
        await asking.submit()  # another kind has tokens of its own
        await assert_invariants(scenario)


async def test_rest_takes_tokens_from_the_same_bucket_and_answers_429(
    rationed: BreakableRuntime,
) -> None:
    async with Scenario(rationed, new_id("tenant")) as scenario, caller(scenario) as asking:
        await refusal_after_the_last_token(asking.audit)
        token = scenario.token(sub="somebody", roles=["auditor"])
        async with http_client(scenario.profile.rest or "", ATTEMPT) as client:
            headers = {"authorization": f"Bearer {token}"}
            answer = await client.get("/audit/events", headers=headers)
        assert answer.status_code == 429, answer.text
        assert 1 <= int(answer.headers["retry-after"]) <= 100
        assert answer.json()["reason"] == "QUOTA_EXCEEDED"
        await asking.submit()
        await assert_invariants(scenario)


async def refusal_after_the_last_token(call: Ask) -> AioRpcError:
    """Call as often as the bucket allows, and once more; answers how that was refused."""
    await asyncio.gather(*(call() for _ in range(TOKENS)))
    with pytest.raises(AioRpcError) as refused:
        await call()
    return refused.value
