"""Measures how long a policy engine takes for each evaluation."""

import time
from collections.abc import Sequence
from typing import Final

from prometheus_client import Histogram

from governance_svc.domain.policy.bundle import BundleTests, PolicyBundle
from governance_svc.domain.policy.engine import Evaluation, PolicyEngine
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

SECONDS: Final = Histogram(
    "phoenix_dma_policy_decision_seconds",
    "Time of one evaluation by the policy engine, all its inputs together",
    ["point", "outcome"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


class MeteredEngine:
    """A `PolicyEngine` that passes every call on to ``engine`` and measures the evaluations."""

    def __init__(self, engine: PolicyEngine) -> None:
        self._engine = engine

    @property
    def revision(self) -> str:
        """The revision that is served; empty before the first load."""
        return self._engine.revision

    async def load(self, bundle: PolicyBundle, *, tested: bool = False) -> BundleTests:
        """See `PolicyEngine.load`."""
        return await self._engine.load(bundle, tested=tested)

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        """See `PolicyEngine.evaluate`."""
        started = time.perf_counter()
        outcome = "unavailable"
        try:
            evaluation = await self._engine.evaluate(point, inputs)
            outcome = "answered"
            return evaluation
        finally:
            SECONDS.labels(point.value, outcome).observe(time.perf_counter() - started)

    async def close(self) -> None:
        """See `PolicyEngine.close`."""
        await self._engine.close()
