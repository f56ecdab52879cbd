"""Quotas of an operator who shares a small machine, and two tenants: one floods, one does not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

import grpc.aio

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS, PATIENCE
from tests.e2e.scenarios.scenario import STEWARD, Scenario
from tests.robustness.floods.caller import Ask, Caller, Credentials
from tests.robustness.floods.flood import FloodOptions, flood
from tests.support.waiting.until import until

RATE: Final = 4
"""Calls of each kind a second, and at once."""
CLIENTS: Final = 2 * RATE
"""Of each way of flooding: some are refused as soon as all have called once."""
ENVIRONMENT: Final = {
    **INTERVALS,
    **{
        f"PHOENIX_DMA_QUOTA_{kind}": str(RATE)
        for kind in ("MUTATIONS", "READS", "SEARCHES", "BEATS")
    },
    "PHOENIX_DMA_QUOTA_BURST": "1",
    "PHOENIX_DMA_QUOTA_SHARED_CALLS": "2",
}
PAUSE: Final = 0.3
"""Seconds between two calls of the tenant that keeps to its quotas."""


@asynccontextmanager
async def caller(scenario: Scenario, part: str = "gateway") -> AsyncIterator[Caller]:
    """A caller of the tenant at a port of the runtime."""
    async with grpc.aio.insecure_channel(scenario.runtime.address(part)) as channel:
        yield Caller(channel, credentials_of(scenario))


def credentials_of(scenario: Scenario) -> Credentials:
    """Tokens of the tenant."""
    roles = ["operator", "submitter", "auditor"]
    return Credentials(
        scenario.token(sub="somebody", roles=roles), scenario.participant_token(STEWARD)
    )


def flood_by(
    scenario: Scenario, clients: int = CLIENTS
) -> AbstractAsyncContextManager[Counter[str]]:
    """Flood the runtime as this tenant."""
    return flood(
        FloodOptions(scenario.runtime.address("gateway"), credentials_of(scenario), clients)
    )


async def call_in_turn(caller: Caller, calls: int, pause: float = PAUSE) -> AsyncIterator[Ask]:
    """Yield the calls in turn, at a pace that the quotas allow."""
    for number in range(calls):
        yield caller.ways[number % len(caller.ways)]
        await asyncio.sleep(pause)


@asynccontextmanager
async def loud_and_calm(runtime: LocalRuntime) -> AsyncIterator[tuple[Scenario, Scenario]]:
    """Two tenants, each with its steward; afterwards the invariants of both have to hold."""
    async with AsyncExitStack() as stack:
        names = ("tenant.loud", "tenant.calm")
        loud, calm = [
            await stack.enter_async_context(Scenario(runtime, new_id(name))) for name in names
        ]
        for scenario in (loud, calm):
            await (await scenario.unregistered(STEWARD)).join()
            await active(scenario)
        yield loud, calm
        await assert_invariants(loud)
        await assert_invariants(calm)


async def active(scenario: Scenario) -> None:
    """Wait until the steward's row is active: to ask for it would cost the tenant tokens."""

    async def look() -> bool:
        participants = (await scenario.evidence()).participants
        return any((one.participant_id, one.status) == (STEWARD, "active") for one in participants)

    await until(look, PATIENCE)
