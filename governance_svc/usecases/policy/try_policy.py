"""Evaluates policy without any effect, to show what it would decide."""

from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict


class TryPolicy:
    """Evaluates one input as a service would send it; the caller is whoever tries."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def __call__(self, call: Call, point: DecisionPoint, policy_input: JsonObject) -> Verdict:
        """What policy would decide; raises what `EvaluatePolicies` raises."""
        (verdict,) = await self._policy.evaluate(call, point, [policy_input])
        return verdict
