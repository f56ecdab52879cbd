"""Who takes part in what is measured: two stewards that hand a task to and fro, and an operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.clients import Client, operator_at
from tests.benchmarks.frame.metering import CountingRuntime, counting_runtime
from tests.benchmarks.growth.costs import Costs
from tests.e2e.scenarios.intervals import INTERVALS
from tests.e2e.scenarios.scenario import Scenario

ENVIRONMENT: Final = {
    **INTERVALS,
    "PHOENIX_DMA_LEASE_TTL": "3600",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "1200",
    "PHOENIX_DMA_LAST_CHECKPOINT": "0.01",
}
"""Nobody is late, and a handoff waits for no last checkpoint: S is what is transferred."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A tenant in a runtime of its own."""

    counting: CountingRuntime
    scenario: Scenario
    operator: Client
    costs: Costs


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Up and calibrated."""
    async with (
        counting_runtime(ENVIRONMENT) as counting,
        Scenario(counting.runtime, new_id("tenant")) as scenario,
        operator_at(scenario) as operator,
    ):
        costs = Costs(counting)
        await costs.calibrate()
        yield Stage(counting, scenario, operator, costs)
