"""Discovery's decisions come from a cache for five seconds; those that change something never."""

from collections.abc import Sequence

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.domain.policy.engine import Evaluation
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from tests.integration.governance.manual_governance import HANG_GUARD, ManualGovernance


class CountingEngine(EmbeddedEngine):
    """The real engine, which counts the inputs that it evaluates."""

    evaluated = 0

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        self.evaluated += len(inputs)
        return await super().evaluate(point, inputs)


async def test_discovery_asks_the_engine_once_in_five_seconds_and_changes_always(
    manual_governance: ManualGovernance,
) -> None:
    engine = CountingEngine(HANG_GUARD)
    await engine.load(shipped_bundle())
    policy = manual_governance.policy(engine)
    inputs: list[JsonObject] = [{"candidate": {"id": f"p.{i}"}} for i in range(3)]

    async def evaluate(point: DecisionPoint, count: int) -> tuple[Verdict, ...]:
        engine.evaluated = 0
        verdicts = await policy.evaluate(manual_governance.service(), point, inputs[:count])
        assert len({verdict.decision_id for verdict in verdicts}) == count
        return verdicts

    first = await evaluate(DecisionPoint.DISCOVER, 2)
    assert engine.evaluated == 2
    again = await evaluate(DecisionPoint.DISCOVER, 3)
    assert engine.evaluated == 1
    assert [v.explanation for v in again[:2]] == [v.explanation for v in first]
    for _ in range(2):
        await evaluate(DecisionPoint.RETIRE, 2)
        assert engine.evaluated == 2
    manual_governance.clock.advance(5)
    await evaluate(DecisionPoint.DISCOVER, 3)
    assert engine.evaluated == 3
    await engine.close()
