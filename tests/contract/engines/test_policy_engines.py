"""One contract for every policy engine: the embedded one, and OPA's REST API by URL."""

import asyncio

import pytest

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.domain.catalogue.catalogue import Kind
from governance_svc.domain.policy.engine import PolicyEngine
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.verdict import DecisionPoint, Effect
from tests.support.builders.bundles import small_bundle
from tests.support.servers.policy_engines import YES, allows, decide

DEADLINE = pytest.mark.parametrize("evaluation", [5.0])
"""Marks what waits for a decision to be cut off, in seconds."""


# ---- the shipped bundle


async def test_the_shipped_bundle_passes_its_own_tests_in_the_engine_and_decides(
    policy_engine: PolicyEngine,
) -> None:
    bundle = shipped_bundle()
    tests = await policy_engine.load(bundle)
    assert tests.passed > 100
    assert policy_engine.revision == bundle.revision
    claims = {
        "id": "agent.customer-steward.001",
        "type": "agent",
        "owner": "data-governance",
        "capabilities": ["customer_validation", "duplicate_detektion"],
        "permissions": ["read_customer_master"],
        "metadata": {"data_domains": ["customer"]},
    }
    caller = {
        "subject": claims["id"],
        "participant": claims["id"],
        "participant_type": "agent",
        "owner": "data-governance",
        "roles": ["participant"],
    }
    own, foreign = await decide(
        policy_engine,
        {"caller": caller, "claims": claims, "existing": None},
        {"caller": {**caller, "participant": "agent.other"}, "claims": claims, "existing": None},
        point=DecisionPoint.JOIN,
    )
    assert own.allowed
    assert own.grants is not None
    assert own.grants.data_domains == {"customer", "customer_master", "customer_contact"}
    assert own.grants.permissions == {"read_customer_master"}
    (refused,) = own.grants.refused
    nearest = bundle.catalogue.nearest(Kind.CAPABILITY, "duplicate_detektion")
    assert nearest == "duplicate_detection"
    assert f"nearest is {nearest}" in refused.reason
    assert foreign.effect is Effect.DENY
    assert foreign.reasons[0].rule == "identity"


async def test_rules_and_catalogue_name_the_same_nearest_name(policy_engine: PolicyEngine) -> None:
    bundle = shipped_bundle()
    await policy_engine.load(bundle, tested=True)
    names = ["policy_chek", "validation", "metadata", "custom", "x", "ab", "DUPLICATE", "merge"]
    task = {
        "task_id": "t",
        "required_capabilities": names,
        "data_domains": [],
        "policy_constraints": [],
        "risk_level": "low",
    }
    (verdict,) = await decide(
        policy_engine, {"task": task, "parent": None}, point=DecisionPoint.SUBMIT
    )
    said = {reason.text for reason in verdict.reasons if reason.rule == "known_capability"}
    expected = set()
    for name in names:
        nearest = bundle.catalogue.nearest(Kind.CAPABILITY, name)
        suggestion = f"; nearest is {nearest}" if nearest else ""
        expected.add(f"The catalogue knows no capability {name}{suggestion}.")
    assert said == expected


# ---- decisions


async def test_a_batch_is_answered_in_order_under_one_revision(policy_engine: PolicyEngine) -> None:
    await policy_engine.load(small_bundle())
    requests = [{"allow": n % 3 == 0, "name": str(n)} for n in range(100)]
    verdicts = await decide(policy_engine, *requests)
    assert [v.allowed for v in verdicts] == [n % 3 == 0 for n in range(100)]
    assert [v.explanation for v in verdicts if v.allowed] == [str(n) for n in range(0, 100, 3)]
    assert await decide(policy_engine) == ()


async def test_questions_asked_at_once_get_their_own_answers(policy_engine: PolicyEngine) -> None:
    await policy_engine.load(small_bundle())
    asked = [decide(policy_engine, {"allow": True, "name": f"n{n}"}) for n in range(60)]
    answers = await asyncio.gather(*asked)
    assert [verdict.explanation for (verdict,) in answers] == [f"n{n}" for n in range(60)]


async def test_a_caller_that_gives_up_leaves_the_others_their_answers(
    policy_engine: PolicyEngine,
) -> None:
    await policy_engine.load(small_bundle())
    asked = [
        asyncio.ensure_future(decide(policy_engine, {"allow": True, "name": f"n{n}"}))
        for n in range(40)
    ]
    await asyncio.sleep(0)
    for one in asked[::2]:
        one.cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    kept = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert [verdict.explanation for (verdict,) in kept] == [f"n{n}" for n in range(1, 40, 2)]
    assert await allows(policy_engine)


@pytest.mark.parametrize(
    "mischief",
    ["text", "truth", "short", "object", "effect", "verdict", "error", "undefined"],
)
async def test_whatever_else_an_engine_says_is_a_denial(
    policy_engine: PolicyEngine, mischief: str
) -> None:
    await policy_engine.load(small_bundle())
    (verdict,) = await decide(policy_engine, {**YES, "mischief": mischief})
    assert verdict.effect is Effect.DENY
    assert verdict.reasons
    assert await allows(policy_engine)


async def test_an_error_over_one_input_denies_that_input_alone(policy_engine: PolicyEngine) -> None:
    await policy_engine.load(small_bundle())
    verdicts = await decide(policy_engine, YES, {"allow": 5}, YES)
    assert [v.allowed for v in verdicts] == [True, False, True]
    assert "the evaluation failed" in verdicts[1].explanation


@DEADLINE
async def test_a_rule_without_end_is_cut_off_and_the_next_decision_works(
    policy_engine: PolicyEngine,
) -> None:
    await policy_engine.load(small_bundle())
    with pytest.raises(PolicyEngineUnavailable):
        await decide(policy_engine, {"mischief": "endless"})
    assert await allows(policy_engine)


@DEADLINE
async def test_who_waits_behind_a_rule_without_end_is_answered_after_it(
    policy_engine: PolicyEngine,
) -> None:
    await policy_engine.load(small_bundle())
    endless = asyncio.ensure_future(decide(policy_engine, {"mischief": "endless"}))
    await asyncio.sleep(0)
    answers = await asyncio.gather(*(allows(policy_engine) for _ in range(5)))
    assert all(answers)
    with pytest.raises(PolicyEngineUnavailable):
        await endless


async def test_without_a_bundle_there_is_no_decision(policy_engine: PolicyEngine) -> None:
    assert policy_engine.revision == ""
    with pytest.raises(PolicyEngineUnavailable):
        await policy_engine.evaluate(DecisionPoint.RETIRE, [YES])
