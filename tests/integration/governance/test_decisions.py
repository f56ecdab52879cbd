"""What a decision rests on: an engine's answer, an input that may lack what no rule reads.

Discovery's decisions come from a cache for five seconds; those that change something never.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.domain.policy.engine import Evaluation
from phoenix_runtime.chassis.rpc.policy import GovernancePolicy
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict
from tests.integration.governance.conftest import Governance
from tests.integration.governance.manual_governance import HANG_GUARD, ManualGovernance
from tests.integration.governance.participants import task
from tests.integration.governance.policies import activate, upload

MODULE = pytest.mark.asyncio(loop_scope="module")
COMPLETE = DecisionPoint.COMPLETE
STEADY = """package phoenix.own.task_complete

deny contains {"rule": "steady", "text": "Only who is active completes."} if {
	input.assignee.status != "active"
}
"""
SMALL = """package phoenix.own.task_complete

deny contains {"rule": "small", "text": "A result is small."} if input.result.amount > 10
"""
TESTS = """package phoenix.own_tests

import data.phoenix.own.task_complete as rules

test_something_is_denied if {
	some one in [{"assignee": {"status": "failed"}}, {"result": {"amount": 12}}]
	count(rules.deny) == 1 with input as one
}
"""


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


def result(amount: int, **assignee: Any) -> dict[str, Any]:
    """An input of `task.complete`, of whose assignee nothing is known but what is given."""
    return {
        "task": task("low"),
        "assignee": {"id": "agent.a", **assignee},
        "result": {"amount": amount},
        "result_hash": "sha256:1",
        "subject_hash": "sha256:1",
        "open_obligations": [],
        "approvals": [],
    }


async def lean(policy: GovernancePolicy, governance: Governance, amount: int) -> Verdict | None:
    """What policy says where the assignee was not read."""
    call = governance.own_call()
    return await policy.evaluate_without(call, COMPLETE, result(amount), "assignee")


@MODULE
async def test_the_shipped_rules_decide_without_the_assignees_standing(
    governance: Governance,
) -> None:
    verdict = await lean(GovernancePolicy(governance.channels), governance, 12)
    assert verdict is not None
    assert verdict.effect is Effect.ALLOW


@MODULE
async def test_a_rule_that_reads_the_standing_is_never_asked_without_it(
    governance: Governance,
) -> None:
    policy = GovernancePolicy(governance.channels)
    assert await lean(policy, governance, 12) is not None
    kept = await upload(governance, rules=STEADY, tests=TESTS)
    await activate(governance, kept.overlay_revision)
    assert await lean(policy, governance, 12) is None
    call = governance.own_call()
    inputs = [result(12, status="suspended"), result(12, status="active")]
    refused, allowed = await policy.evaluate(call, COMPLETE, inputs)
    assert [reason.rule for reason in refused.reasons] == ["steady"]
    assert allowed.effect is Effect.ALLOW


@MODULE
async def test_a_rule_that_reads_something_else_decides_without_it(governance: Governance) -> None:
    kept = await upload(governance, rules=SMALL, tests=TESTS)
    await activate(governance, kept.overlay_revision)
    policy = GovernancePolicy(governance.channels)
    verdicts = [await lean(policy, governance, amount) for amount in (9, 12)]
    assert [one and one.effect for one in verdicts] == [Effect.ALLOW, Effect.DENY]
    assert all(one and one.policy_revision == kept.policy_revision for one in verdicts)


@MODULE
async def test_a_part_that_nobody_knows_is_needed(governance: Governance) -> None:
    policy, call = GovernancePolicy(governance.channels), governance.own_call()
    assert await policy.evaluate_without(call, COMPLETE, result(1), "task") is None
    assert await policy.evaluate_without(call, DecisionPoint.OPERATE, result(1), "assignee") is None
