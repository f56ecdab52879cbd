"""One contract for every policy engine: the embedded one, and OPA's REST API by URL."""

import asyncio
from typing import Any

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


CALLER = {"subject": "sam", "participant": "", "owner": "", "roles": ["submitter"]}
STEWARD: dict[str, Any] = {
    "id": "agent.customer-steward.001",
    "status": "active",
    "capabilities": ["duplicate_detection", "record_merge"],
    "data_domains": ["customer", "customer_master", "customer_contact"],
    "permissions": ["read_customer_master"],
    "trust_policy": "enterprise-standard",
}
REQUIREMENT: dict[str, Any] = {
    "required_capabilities": ["duplicate_detection"],
    "data_domains": ["customer_master"],
    "risk_level": "medium",
    "policy_constraints": [],
}
TRUST = {
    "general": 0.6,
    "by_capability": {
        "duplicate_detection": {"total": 0.61, "certified": True},
        "record_merge": {"total": 0.62, "certified": False},
    },
}


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


CANDIDATES: list[dict[str, Any]] = [
    {},
    {"id": "agent.other"},
    {"capabilities": ["policy_check"]},
    {"status": "retired"},
    {"status": "degraded", "data_domains": []},
    {"permissions": None},
    {"id": 5},
    {"trust_policy": "regulated"},
    {"trust_policy": "nowhere"},
]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"required_capabilities": []},
        {"required_capabilities": ["record_merge"]},
        {"required_capabilities": ["policy_chek"], "risk_level": "huge"},
        {"data_domains": None},
    ],
    ids=["ordinary", "no capability", "high risk", "unknown names", "incomplete"],
)
async def test_a_batch_is_answered_as_each_input_alone(
    policy_engine: PolicyEngine, changes: dict[str, Any]
) -> None:
    await policy_engine.load(shipped_bundle(), tested=True)
    requirement = {**REQUIREMENT, **changes}
    batch = [
        {"caller": CALLER, "candidate": {**STEWARD, **one}, "requirement": requirement, **trust}
        for one in CANDIDATES
        for trust in ({"trust": TRUST}, {"trust": {"general": 0.2, "by_capability": {}}}, {})
    ]
    required = requirement["required_capabilities"]
    batch += [
        {
            "caller": CALLER,
            "candidate": {**STEWARD, "id": f"agent.{number}", **one},
            "requirement": requirement,
            "trust": {
                "general": 0.6,
                "by_capability": {
                    name: {"total": 0.45 + number / 20, "certified": number > 0}
                    for name in required
                },
            },
        }
        for one in ({}, {"permissions": []}, {"capabilities": []}, {"trust_policy": "nowhere"})
        for number in range(4)
    ]
    together = await decide(policy_engine, *batch, point=DecisionPoint.DISCOVER)
    alone = [(await decide(policy_engine, one, point=DecisionPoint.DISCOVER))[0] for one in batch]
    assert list(together) == alone


async def test_what_inputs_have_in_common_is_carried_once_and_null_is_not_absent(
    policy_engine: PolicyEngine,
) -> None:
    await policy_engine.load(small_bundle())
    name = "x" * 100
    answers = await decide(
        policy_engine,
        {"allow": True, "name": name, "more": None},
        {"allow": False, "name": name},
        {"allow": True, "name": name, "more": None},
    )
    assert [one.allowed for one in answers] == [True, False, True]


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


@pytest.mark.parametrize("mischief", ["text", "truth", "short", "object", "verdict"])
async def test_an_answer_that_is_no_list_of_as_many_denies_every_input(
    policy_engine: PolicyEngine, mischief: str
) -> None:
    await policy_engine.load(small_bundle())
    verdicts = await decide(policy_engine, {**YES, "mischief": mischief}, YES, YES)
    assert [verdict.effect for verdict in verdicts] == [Effect.DENY] * 3


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
