"""How a bundle is loaded, in every policy engine: what is refused, and what goes on meanwhile."""

import asyncio

import pytest

from governance_svc.domain.policy.bundle import BundleCutOff, BundleRefused
from governance_svc.domain.policy.engine import PolicyEngine
from tests.support.builders.bundles import DECIDE, TEST, small_bundle
from tests.support.servers.policy_engines import YES, allows, decide

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
    policy_engine: PolicyEngine, poison: str
) -> None:
    good = small_bundle()
    await policy_engine.load(good)
    rules, tests, named = POISON[poison]
    with pytest.raises(BundleRefused) as refused:
        await policy_engine.load(small_bundle(decide=rules, decide_test=tests))
    assert named in refused.value.text
    assert policy_engine.revision == good.revision
    assert await allows(policy_engine)


@pytest.mark.parametrize("loading", [10.0])
async def test_a_bundle_whose_test_has_no_end_is_cut_off_and_the_old_one_goes_on(
    policy_engine: PolicyEngine,
) -> None:
    good = small_bundle()
    await policy_engine.load(good)
    endless = TEST + "\ntest_end if phoenix.endless == 0"
    with pytest.raises(BundleCutOff) as refused:
        await policy_engine.load(small_bundle(decide_test=endless))
    assert "cut off" in refused.value.text
    assert policy_engine.revision == good.revision
    assert await allows(policy_engine)


async def test_a_tested_revision_loads_without_its_tests(policy_engine: PolicyEngine) -> None:
    broken = small_bundle(decide_test=TEST.replace('"allow" with', '"deny" with'))
    assert (await policy_engine.load(broken, tested=True)).passed == 0
    assert await allows(policy_engine)


async def test_a_new_revision_replaces_every_rule_of_the_old(policy_engine: PolicyEngine) -> None:
    more = small_bundle(more="package phoenix.more\n\nyes := true")
    await policy_engine.load(more)
    rules = DECIDE.replace("one.allow == true", "one.allow == true\n\tnot data.phoenix.more.yes")
    first = await policy_engine.load(small_bundle(decide=rules))
    assert first.passed == 1
    assert await allows(policy_engine)
    assert policy_engine.revision == small_bundle(decide=rules).revision != more.revision


async def test_decisions_go_on_while_a_new_revision_is_loaded(policy_engine: PolicyEngine) -> None:
    await policy_engine.load(small_bundle())
    other = small_bundle(more="package phoenix.more\n\nyes := true")
    loading = asyncio.ensure_future(policy_engine.load(other))
    seen = set()
    while not loading.done():
        (verdict,) = await decide(policy_engine, YES)
        assert verdict.allowed
        seen.add(verdict.policy_revision)
    await loading
    assert seen <= {small_bundle().revision, other.revision}
    assert policy_engine.revision == other.revision
    assert await allows(policy_engine)
