"""Asks policy without any effect, for people who want to see what it would say."""

from governance_svc.usecases.policy.evaluate_policies import EvaluatePolicies
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict


class TryPolicy:
    """The question as a service would send it; the caller is whoever tries."""

    def __init__(self, evaluate: EvaluatePolicies) -> None:
        self._evaluate = evaluate

    async def __call__(self, call: Call, point: DecisionPoint, question: JsonObject) -> Verdict:
        """What policy would say; raises what `EvaluatePolicies` raises."""
        (verdict,) = await self._evaluate(call, point, [question])
        return verdict
