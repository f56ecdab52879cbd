"""A tenant's own words and rules: checked, kept, activated, followed by replicas, taken back."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from phoenix_dma.v1 import audit_pb2, governance_pb2
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.policy import GovernancePolicy
from phoenix_runtime.core.errors import FieldInvalid, NotFound, PolicyDenied
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict
from tests.integration.governance.conftest import Governance
from tests.integration.governance.participants import audited
from tests.support.builders.overlays import RULES, TESTS, payment, payment_overlay
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., Awaitable[Governance]]


def overlay(**changes: str | None) -> governance_pb2.PolicyOverlay:
    """The payment overlay, with changes."""
    return governance_pb2.PolicyOverlay(files=payment_overlay(**changes))


async def upload(governance: Governance, by: str = "ann", **changes: str | None) -> Any:
    """Upload it; answers the revision that is kept."""
    request = governance_pb2.UploadPolicyRequest(overlay=overlay(**changes), note="payments")
    method = governance.policies.UploadPolicy
    return (await governance.as_person(method, request, "policy_admin", sub=by)).policy


async def activate(governance: Governance, revision: str, by: str = "bob") -> Any:
    """Activate an overlay, or none."""
    request = governance_pb2.ActivatePolicyRequest(overlay_revision=revision)
    method = governance.policies.ActivatePolicy
    return (await governance.as_person(method, request, "policy_admin", sub=by)).policy


async def activation_of(governance: Governance, overlay_revision: str) -> Any:
    """The event of the activation of an overlay, once it is in the ledger."""
    request = audit_pb2.ListAuditEventsRequest(type=["POLICY_ACTIVATED"])
    answer = await governance.as_person(governance.audit.ListAuditEvents, request, "auditor")
    events = [one for one in answer.events if one.detail["overlay_revision"] == overlay_revision]
    return events[0] if events else None


async def decide(governance: Governance, amount: Any) -> Verdict:
    """What policy says to a payment."""
    (verdict,) = await GovernancePolicy(governance.channels).evaluate(
        governance.own_call(), DecisionPoint.OPERATE, [payment(amount)]
    )
    return verdict


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
    await activate(governance, second.overlay_revision)
    assert (await decide(governance, 9_000)).effect is Effect.REQUIRE_APPROVAL
    await activate(governance, first.overlay_revision)
    assert (await decide(governance, 9_000)).effect is Effect.ALLOW
    listed = await governance.as_person(
        governance.policies.ListPolicies, governance_pb2.ListPoliciesRequest(), "auditor"
    )
    assert [(one.overlay_revision, one.active) for one in listed.policies] == [
        (second.overlay_revision, False),
        (first.overlay_revision, True),
    ]
    await activate(governance, "")
    assert (await decide(governance, 9_000)).effect is Effect.DENY
    with pytest.raises(NotFound):
        await activate(governance, "sha256:nothing")


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
    assert named in "; ".join(violation.text for violation in refused.value.violations)


async def test_a_rule_that_needs_what_is_hidden_denies(governance: Governance) -> None:
    secret = '{"domains": {"payments": {}}, "secrets": [{"fields": ["amount"], "name": "pay"}]}'
    kept = await upload(governance, catalogue=secret)
    await activate(governance, kept.overlay_revision)
    verdict = await decide(governance, 9_000)
    assert [reason.rule for reason in verdict.reasons] == ["content_hidden"]
    assert "subject.amount" in verdict.explanation


async def test_every_replica_follows_and_a_new_one_begins_with_the_overlay(start: Start) -> None:
    first, second = await start(development=True), await start(development=True)
    kept = await upload(first, by="ann")
    await activate(first, kept.overlay_revision, by="ann")  # development: one person suffices

    async def followed() -> bool | None:
        return (await decide(second, 12_000)).policy_revision == kept.policy_revision or None

    await until(followed)
    third = await start()
    assert (await decide(third, 12_000)).effect is Effect.REQUIRE_APPROVAL
