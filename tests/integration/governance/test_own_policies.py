"""A tenant's own words and rules: checked, kept, activated, followed by replicas, taken back."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from governance_svc.adapters.bundle_folder import shipped_bundle
from phoenix_dma.v1 import governance_pb2
from phoenix_dma.wire.conversions import struct_of
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.errors import (
    FieldInvalid,
    NotFound,
    PolicyDenied,
    PolicyEngineUnavailable,
)
from phoenix_runtime.core.verdict import Effect
from tests.integration.governance.conftest import Governance
from tests.integration.governance.participants import audited
from tests.integration.governance.policies import (
    activate,
    activation_of,
    decide,
    overlay,
    propose,
    upload,
)
from tests.integration.governance.test_approvals import ask, decision
from tests.integration.governance.test_approvals import decide as decide_approval
from tests.support.builders.overlays import RULES, TESTS
from tests.support.fakes.opa import FakeOpa
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Governance]]


async def test_an_overlay_decides_in_its_own_tenant_once_a_second_person_activated_it(
    governance: Governance,
) -> None:
    other = replace(governance, tenant=new_id("tenant"))
    kept = await upload(governance)
    assert kept.tests_passed == 1
    assert (await decide(governance, 12_000)).effect is Effect.DENY  # the domain is unknown yet
    with pytest.raises(PolicyDenied, match="does not activate it alone"):
        await activate(governance, kept.overlay_revision, by="ann")
    active = await activate(governance, kept.overlay_revision)
    assert (active.active, active.activated_by) == (True, "bob")
    allowed, asked, refused = [await decide(governance, one) for one in (9_000, 12_000, "12000")]
    assert (allowed.effect, asked.effect) == (Effect.ALLOW, Effect.REQUIRE_APPROVAL)
    assert [reason.rule for reason in asked.reasons] == ["large_payment"]
    assert asked.approvers == ("reviewer",)
    assert [reason.rule for reason in refused.reasons] == ["payment_amount"]
    assert allowed.policy_revision == kept.policy_revision
    assert (await decide(other, 9_000)).effect is Effect.DENY
    catalogue = await governance.as_person(
        governance.policies.GetCatalogue, governance_pb2.GetCatalogueRequest(), "operator"
    )
    assert "invoice_payment" in catalogue.catalogue["capabilities"]
    (uploaded,) = await until(lambda: audited(governance, "POLICY_UPLOADED", 1))
    assert uploaded.actor == "ann"
    event = await until(lambda: activation_of(governance, kept.overlay_revision))
    assert event.actor == "bob"
    assert event.new_state == kept.policy_revision


async def test_an_older_overlay_or_none_can_be_activated_again(governance: Governance) -> None:
    first = await upload(governance)
    second = await upload(
        governance, rules=RULES.replace("10000", "5000"), tests=TESTS.replace("9000", "4000")
    )
    await activate(governance, first.overlay_revision)
    await propose(governance, second.overlay_revision)
    await activate(governance, second.overlay_revision)
    assert (await decide(governance, 9_000)).effect is Effect.REQUIRE_APPROVAL
    await propose(governance, first.overlay_revision)
    await activate(governance, first.overlay_revision)
    assert (await decide(governance, 9_000)).effect is Effect.ALLOW
    listed = await governance.as_person(
        governance.policies.ListPolicies, governance_pb2.ListPoliciesRequest(), "auditor"
    )
    assert [(one.overlay_revision, one.active) for one in listed.policies] == [
        (first.overlay_revision, True),
        (second.overlay_revision, False),
        (second.overlay_revision, False),
        (first.overlay_revision, True),
    ]
    shipped = await propose(governance, "")
    assert not (await activate(governance, shipped.overlay_revision)).overlay_revision
    assert (await decide(governance, 9_000)).effect is Effect.DENY
    with pytest.raises(NotFound):
        await activate(governance, "sha256:nothing")


STRICT = {
    "rules": RULES.replace("10000", "5000"),
    "tests": TESTS.replace("9000", "4000"),
}


@pytest.mark.parametrize("way", ["the shipped bundle", "an older overlay", "a proposal of before"])
async def test_nobody_takes_rules_away_alone(governance: Governance, way: str) -> None:
    """The attack: one of two administrators goes back to what asks nobody about 9,000."""
    loose = await upload(governance)
    nothing = await propose(governance, "")
    if way != "the shipped bundle":
        await activate(governance, loose.overlay_revision)
    strict = await upload(governance, **STRICT)
    await activate(governance, strict.overlay_revision)
    wanted = {
        "the shipped bundle": "",
        "an older overlay": loose.overlay_revision,
        "a proposal of before": nothing.overlay_revision,
    }[way]
    for one in ("ann", "bob"):
        with pytest.raises(PolicyDenied, match="nobody goes back to it alone"):
            await activate(governance, wanted, by=one)
    mine = await propose(governance, wanted, by="bob")
    with pytest.raises(PolicyDenied, match="does not activate it alone"):
        await activate(governance, mine.overlay_revision, by="bob")
    assert (await decide(governance, 9_000)).effect is Effect.REQUIRE_APPROVAL
    await activate(governance, mine.overlay_revision, by="ann")
    assert (await decide(governance, 9_000)).effect is not Effect.REQUIRE_APPROVAL


async def test_two_go_back_although_the_overlay_denies_everything(governance: Governance) -> None:
    rules = 'package phoenix.own.data_operate\n\ndeny contains "No." if input.name != ""'
    tests = (
        "package phoenix.own_tests\n\ntest_all_is_denied if "
        'count(data.phoenix.own.data_operate.deny) == 1 with input as {"name": "pay"}'
    )
    kept = await upload(governance, rules=rules, tests=tests)
    await activate(governance, kept.overlay_revision)
    assert (await decide(governance, 9_000)).effect is Effect.DENY
    shipped = await propose(governance, "")
    answer = await activate(governance, shipped.overlay_revision)
    assert (answer.overlay_revision, answer.active) == ("", True)


async def test_what_is_uploaded_again_is_named_once(governance: Governance) -> None:
    """Either the files or the revision; an unknown revision is not found."""
    method = governance.policies.UploadPolicy
    both = governance_pb2.UploadPolicyRequest(overlay=overlay(), overlay_revision="sha256:a")
    with pytest.raises(FieldInvalid):
        await governance.as_person(method, both, "policy_admin")
    unknown = governance_pb2.UploadPolicyRequest(overlay_revision="sha256:a")
    with pytest.raises(NotFound):
        await governance.as_person(method, unknown, "policy_admin")


REFUSED = {
    "unknown path": (
        {"rules": RULES.replace("subject.amount >", "subjct.amount >")},
        "input.subjct.amount",
    ),
    "failing test": ({"tests": TESTS.replace("== 1 with", "== 2 with")}, "the test fails"),
    "no test": ({"tests": None}, "no tests"),
    "point": (
        {"rules": RULES.replace("own.data_operate", "own.data_operat")},
        "nearest is phoenix.own.data_operate",
    ),
    "allow": ({"rules": RULES + "\nallow contains 1 if input.name"}, "rule allow is never read"),
    "ask": (
        {"rules": 'package phoenix.own.task_submit\n\nask contains "why" if input.task.task_id'},
        "nobody can be asked there",
    ),
    "set": ({"rules": RULES + "\nobligations := 1"}, "is a set"),
    "package": (
        {"rules": RULES.replace("phoenix.own.data_operate", "phoenix.gates")},
        "own rules stand in",
    ),
    "catalogue": (
        {"catalogue": '{"permissions": {"p": {"actions": ["x"], "domains": ["nowhere"]}}}'},
        "nowhere is not a domain",
    ),
    "json": ({"catalogue": "{"}, "is no JSON"),
    "syntax": ({"rules": RULES + "\ndeny contains 1 if {"}, "rego_parse_error: unexpected eof"),
    "clock": ({"rules": RULES + "\nnow := time.now_ns()"}, "time.now_ns"),
}


@pytest.mark.parametrize("why", sorted(REFUSED))
async def test_a_bad_overlay_is_refused_with_what_is_wrong(
    governance: Governance, why: str
) -> None:
    changes, named = REFUSED[why]
    request = governance_pb2.ValidatePolicyRequest(overlay=overlay(**changes))  # type: ignore[arg-type]
    with pytest.raises(FieldInvalid) as refused:
        await governance.as_person(governance.policies.ValidatePolicy, request, "operator")
    told = "; ".join(violation.text for violation in refused.value.violations)
    assert named in told
    assert "\n" not in told
    assert "phoenix_engine" not in told


async def test_a_rule_that_needs_what_is_hidden_denies(governance: Governance) -> None:
    secret = '{"domains": {"payments": {}}, "secrets": [{"fields": ["amount"], "name": "pay"}]}'
    kept = await upload(governance, catalogue=secret)
    await activate(governance, kept.overlay_revision)
    verdict = await decide(governance, 9_000)
    assert [reason.rule for reason in verdict.reasons] == ["content_hidden"]
    assert "subject.amount" in verdict.explanation


async def test_an_opa_server_takes_no_overlay_and_forgets_none(start: Start) -> None:
    embedded = await start(development=True)
    kept = await upload(embedded)
    await activate(embedded, kept.overlay_revision)
    async with FakeOpa() as opa:
        by_url = await start(development=True, opa_url=opa.url)
        strict = overlay(**STRICT)
        for method, request in (
            (by_url.policies.ValidatePolicy, governance_pb2.ValidatePolicyRequest(overlay=strict)),
            (by_url.policies.UploadPolicy, governance_pb2.UploadPolicyRequest(overlay=strict)),
        ):
            with pytest.raises(FieldInvalid, match="PHOENIX_DMA_BUNDLE") as refused:
                await by_url.as_person(method, request, "policy_admin")
            assert "leave PHOENIX_DMA_OPA_URL out" in str(refused.value)
        # Without its rules this tenant would be allowed what they deny.
        with pytest.raises(PolicyEngineUnavailable, match="OPA server"):
            await decide(by_url, 12_000)
        await activate(by_url, "")
        assert (await decide(by_url, 12_000)).policy_revision == shipped_bundle().revision


async def test_every_replica_follows_and_a_new_one_begins_with_the_overlay(start: Start) -> None:
    first, second = await start(development=True), await start(development=True)
    kept = await upload(first, by="ann")
    await activate(first, kept.overlay_revision, by="ann")  # development: one person suffices

    async def followed() -> bool | None:
        return (await decide(second, 12_000)).policy_revision == kept.policy_revision or None

    await until(followed)
    third = await start()
    assert (await decide(third, 12_000)).effect is Effect.REQUIRE_APPROVAL


async def test_a_rule_about_a_decision_sees_what_is_decided(governance: Governance) -> None:
    rules = """package phoenix.own.approval_decide

deny contains "The bank decides." if input.approval.subject.amount > 10000
"""
    tests = """package phoenix.own_tests

import data.phoenix.own.approval_decide as rules

test_the_amount_counts if {
	count(rules.deny) == 1 with input as {"approval": {"subject": {"amount": 12000}}}
}
"""
    kept = await upload(governance, rules=rules, tests=tests)
    await activate(governance, kept.overlay_revision)
    large = await ask(governance, subject=struct_of({"amount": 12_000}))
    with pytest.raises(PolicyDenied, match="The bank decides"):
        await decide_approval(governance, decision(large.approval_id))
    small = await ask(governance, subject=struct_of({"amount": 9_000}))
    assert await decide_approval(governance, decision(small.approval_id))
