"""One contract for every policy engine: the embedded one, and OPA's REST API by URL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines.child_session import EngineLimits
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.adapters.policy_engines.opa_rest import OpaRest
from governance_svc.adapters.policy_engines.opa_session import OpaAddress
from governance_svc.domain.catalogue.catalogue import Kind
from governance_svc.domain.policy.bundle import BundleRefused
from governance_svc.domain.policy.engine import PolicyEngine
from governance_svc.domain.policy.verdicts import DecisionStamp, read_verdicts
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict
from tests.support.builders.bundles import DECIDE, TEST, small_bundle
from tests.support.servers.opa import OpaServer, opa_program
from tests.support.waiting.until import PATIENCE

DEADLINE = pytest.mark.parametrize("evaluation", [5.0])
"""Marks what waits for a decision to be cut off, in seconds."""


@pytest.fixture
def loading() -> float:
    """Seconds for one step of loading; a test that waits for its end says something shorter."""
    return PATIENCE


@pytest.fixture
def evaluation() -> float:
    """Seconds for one decision; a test that waits for its end says something shorter."""
    return PATIENCE


@pytest_asyncio.fixture(params=["embedded", "opa"])
async def engine(
    request: pytest.FixtureRequest, loading: float, evaluation: float
) -> AsyncIterator[PolicyEngine]:
    """An engine without a bundle."""
    if request.param == "embedded":
        embedded = EmbeddedEngine(EngineLimits(evaluation, loading, queue=PATIENCE))
        yield embedded
        await embedded.close()
        return
    program = opa_program()
    if program is None:
        pytest.skip("no OPA server: `make test-opa` builds one where Go is")
    server = OpaServer(program)
    await server.start()
    rest = OpaRest(OpaAddress(server.url, answer=evaluation, loading=loading))
    yield rest
    await rest.close()
    await server.stop()


async def decide(
    engine: PolicyEngine, *inputs: dict[str, Any], point: DecisionPoint = DecisionPoint.RETIRE
) -> Sequence[Verdict]:
    """Ask as the service does."""
    evaluation = await engine.evaluate(point, inputs)
    stamp = DecisionStamp(
        point, "opa.dec.1", evaluation.revision, "h", datetime(2026, 1, 1, tzinfo=UTC)
    )
    return read_verdicts(evaluation.answer, [stamp] * len(inputs))


YES = {"allow": True, "name": "x"}


async def allows(engine: PolicyEngine) -> bool:
    (verdict,) = await decide(engine, YES)
    return verdict.allowed


# ---- the shipped bundle


async def test_the_shipped_bundle_passes_its_own_tests_in_the_engine_and_decides(
    engine: PolicyEngine,
) -> None:
    bundle = shipped_bundle()
    tests = await engine.load(bundle)
    assert tests.passed > 100
    assert engine.revision == bundle.revision
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
        engine,
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


async def test_rules_and_catalogue_name_the_same_nearest_name(engine: PolicyEngine) -> None:
    bundle = shipped_bundle()
    await engine.load(bundle, tested=True)
    names = ["policy_chek", "validation", "metadata", "custom", "x", "ab", "DUPLICATE", "merge"]
    task = {
        "task_id": "t",
        "required_capabilities": names,
        "data_domains": [],
        "policy_constraints": [],
        "risk_level": "low",
    }
    (verdict,) = await decide(engine, {"task": task, "parent": None}, point=DecisionPoint.SUBMIT)
    said = {reason.text for reason in verdict.reasons if reason.rule == "known_capability"}
    expected = set()
    for name in names:
        nearest = bundle.catalogue.nearest(Kind.CAPABILITY, name)
        suggestion = f"; nearest is {nearest}" if nearest else ""
        expected.add(f"The catalogue knows no capability {name}{suggestion}.")
    assert said == expected


# ---- decisions


async def test_a_batch_is_answered_in_order_under_one_revision(engine: PolicyEngine) -> None:
    await engine.load(small_bundle())
    wishes = [{"allow": n % 3 == 0, "name": str(n)} for n in range(100)]
    verdicts = await decide(engine, *wishes)
    assert [v.allowed for v in verdicts] == [n % 3 == 0 for n in range(100)]
    assert [v.explanation for v in verdicts if v.allowed] == [str(n) for n in range(0, 100, 3)]
    assert await decide(engine) == ()


async def test_questions_asked_at_once_get_their_own_answers(engine: PolicyEngine) -> None:
    await engine.load(small_bundle())
    asked = [decide(engine, {"allow": True, "name": f"n{n}"}) for n in range(60)]
    answers = await asyncio.gather(*asked)
    assert [verdict.explanation for (verdict,) in answers] == [f"n{n}" for n in range(60)]


async def test_a_caller_that_gives_up_leaves_the_others_their_answers(engine: PolicyEngine) -> None:
    await engine.load(small_bundle())
    asked = [
        asyncio.ensure_future(decide(engine, {"allow": True, "name": f"n{n}"})) for n in range(40)
    ]
    await asyncio.sleep(0)
    for one in asked[::2]:
        one.cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    kept = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert [verdict.explanation for (verdict,) in kept] == [f"n{n}" for n in range(1, 40, 2)]
    assert await allows(engine)


@pytest.mark.parametrize(
    "mischief",
    ["text", "truth", "short", "object", "effect", "verdict", "error", "undefined"],
)
async def test_whatever_else_an_engine_says_is_a_denial(
    engine: PolicyEngine, mischief: str
) -> None:
    await engine.load(small_bundle())
    (verdict,) = await decide(engine, {**YES, "mischief": mischief})
    assert verdict.effect is Effect.DENY
    assert verdict.reasons
    assert await allows(engine)


async def test_an_error_over_one_input_denies_that_input_alone(engine: PolicyEngine) -> None:
    await engine.load(small_bundle())
    verdicts = await decide(engine, YES, {"allow": 5}, YES)
    assert [v.allowed for v in verdicts] == [True, False, True]
    assert "the evaluation failed" in verdicts[1].explanation


@DEADLINE
async def test_a_rule_without_end_is_cut_off_and_the_next_decision_works(
    engine: PolicyEngine,
) -> None:
    await engine.load(small_bundle())
    with pytest.raises(PolicyEngineUnavailable):
        await decide(engine, {"mischief": "endless"})
    assert await allows(engine)


@DEADLINE
async def test_who_waits_behind_a_rule_without_end_is_answered_after_it(
    engine: PolicyEngine,
) -> None:
    await engine.load(small_bundle())
    endless = asyncio.ensure_future(decide(engine, {"mischief": "endless"}))
    await asyncio.sleep(0)
    answers = await asyncio.gather(*(allows(engine) for _ in range(5)))
    assert all(answers)
    with pytest.raises(PolicyEngineUnavailable):
        await endless


async def test_without_a_bundle_there_is_no_decision(engine: PolicyEngine) -> None:
    assert engine.revision == ""
    with pytest.raises(PolicyEngineUnavailable):
        await engine.evaluate(DecisionPoint.RETIRE, [YES])


# ---- loading


POISON = {
    "malformed": (DECIDE + "\noops := ", TEST, "decide.rego"),
    "undefined_function": (DECIDE + "\noops := nosuch(1)", TEST, "nosuch"),
    "recursive": (DECIDE + "\na := b\n\nb := a", TEST, "recursive"),
    "failing_test": (DECIDE, TEST.replace('"allow" with', '"deny" with'), "the test fails"),
    "undefined_test": (DECIDE, TEST + "\ntest_nothing if input.nothing", "test_nothing"),
    "no_tests": (DECIDE, "package phoenix.decide_test", "no tests"),
    "allow_all": (DECIDE.replace('said("deny"', 'said("allow"'), TEST, "empty input"),
    "silent": (DECIDE.replace("decide := [answer", "decided := [answer"), TEST, ""),
    "sends": (DECIDE + '\nx := http.send({"method": "get", "url": input.url})', TEST, "http.send"),
    "sends_in_brackets": (DECIDE + '\nx := http["send"]({"url": input.url})', TEST, "http.send"),
    "sends_as_mock": (
        DECIDE + "\nx := y if {\n\ty := json.marshal({}) with json.marshal as http.send\n}",
        TEST,
        "http.send",
    ),
    "clock": (DECIDE + "\nx := time.now_ns()", TEST, "time.now_ns"),
    "chance": (DECIDE + '\nx := rand.intn("a", 5)', TEST, "rand.intn"),
    "environment": (DECIDE + "\nx := opa.runtime().env", TEST, "opa.runtime"),
    "elsewhere": (DECIDE, TEST.replace("package phoenix.", "package system.authz."), "package"),
    "our_own": (DECIDE, TEST.replace("phoenix.decide_test", "phoenix_engine"), "package"),
    "hidden_package": (
        DECIDE,
        TEST.replace("package phoenix.decide_test", 'package phoenix["x] | true; y = [1"]'),
        "package",
    ),
}


@pytest.mark.parametrize("poison", sorted(POISON))
async def test_a_poisoned_bundle_is_refused_and_the_old_one_goes_on(
    engine: PolicyEngine, poison: str
) -> None:
    good = small_bundle()
    await engine.load(good)
    rules, tests, named = POISON[poison]
    with pytest.raises(BundleRefused) as refused:
        await engine.load(small_bundle(decide=rules, decide_test=tests))
    assert named in refused.value.text
    assert engine.revision == good.revision
    assert await allows(engine)


@pytest.mark.parametrize("loading", [10.0])
async def test_a_bundle_whose_test_has_no_end_is_cut_off_and_the_old_one_goes_on(
    engine: PolicyEngine,
) -> None:
    good = small_bundle()
    await engine.load(good)
    endless = TEST + "\ntest_end if phoenix.endless == 0"
    with pytest.raises(BundleRefused) as refused:
        await engine.load(small_bundle(decide_test=endless))
    assert "cut off" in refused.value.text
    assert engine.revision == good.revision
    assert await allows(engine)


async def test_a_tested_revision_loads_without_its_tests(engine: PolicyEngine) -> None:
    broken = small_bundle(decide_test=TEST.replace('"allow" with', '"deny" with'))
    assert (await engine.load(broken, tested=True)).passed == 0
    assert await allows(engine)


async def test_a_new_revision_replaces_every_rule_of_the_old(engine: PolicyEngine) -> None:
    more = small_bundle(more="package phoenix.more\n\nyes := true")
    await engine.load(more)
    rules = DECIDE.replace("one.allow == true", "one.allow == true\n\tnot data.phoenix.more.yes")
    first = await engine.load(small_bundle(decide=rules))
    assert first.passed == 1
    assert await allows(engine)
    assert engine.revision == small_bundle(decide=rules).revision != more.revision


async def test_decisions_go_on_while_a_new_revision_is_loaded(engine: PolicyEngine) -> None:
    await engine.load(small_bundle())
    other = small_bundle(more="package phoenix.more\n\nyes := true")
    loading = asyncio.ensure_future(engine.load(other))
    seen = set()
    while not loading.done():
        (verdict,) = await decide(engine, YES)
        assert verdict.allowed
        seen.add(verdict.policy_revision)
    await loading
    assert seen <= {small_bundle().revision, other.revision}
    assert engine.revision == other.revision
    assert await allows(engine)
