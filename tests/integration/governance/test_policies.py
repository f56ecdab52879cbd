"""Decisions over gRPC: the real bundle in the real engine, trust from the ledger."""

from collections.abc import Awaitable, Callable

import pytest

from phoenix_dma.v1 import governance_pb2
from phoenix_runtime.chassis.rpc.policy import GovernancePolicy
from phoenix_runtime.core.errors import (
    FieldInvalid,
    NotFound,
)
from phoenix_runtime.core.events import verdict_document
from phoenix_runtime.core.verdict import DecisionPoint, Effect
from tests.integration.governance.conftest import Governance
from tests.integration.governance.participants import (
    STEWARD,
    assign,
    audited,
    candidate,
    projected,
    registered,
    task,
)
from tests.support.builders.audit_events import audit_event
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_verdict_carries_everything_an_auditor_needs(governance: Governance) -> None:
    await projected(governance, registered(governance.tenant))
    verdict = await assign(governance)
    assert verdict.effect is Effect.ALLOW
    assert verdict.decision_id.startswith("opa.dec.")
    assert verdict.policy == "phoenix.task.assign"
    assert verdict.policy_revision.startswith("sha256:")
    assert verdict.input_hash.startswith("sha256:")
    assert verdict.reasons
    assert verdict.trust == pytest.approx(0.5775)
    terms = verdict.facts["trust"]["duplicate_detection"]["terms"]  # type: ignore[index,call-overload]
    assert {term["name"] for term in terms} >= {"identity_assurance", "runtime_health"}  # type: ignore[index,call-overload,union-attr]


async def test_a_batch_is_answered_in_order_and_from_one_revision(governance: Governance) -> None:
    questions = [
        {"requirement": task(), "candidate": candidate(id=f"p.{i}", status=status)}
        for i, status in enumerate(["active", "failed"] * 50)
    ]
    verdicts = await GovernancePolicy(governance.channels).evaluate(
        governance.own_call(), DecisionPoint.DISCOVER, questions
    )
    assert len({verdict.policy_revision for verdict in verdicts}) == 1
    assert len({verdict.decision_id for verdict in verdicts}) == 100
    assert all("failed" in v.explanation for v in verdicts[1::2])
    assert not any("failed" in v.explanation for v in verdicts[::2])


async def test_what_an_input_says_of_trust_or_caller_counts_for_nothing(
    governance: Governance,
) -> None:
    question = {
        "task": task("high"),
        "candidate": candidate(),
        "approvals": [],
        "trust": {"general": 1, "by_capability": {"duplicate_detection": {"total": 1}}},
        "caller": {"subject": "olga", "roles": ["operator"]},
    }
    (verdict,) = await GovernancePolicy(governance.channels).evaluate(
        governance.own_call(), DecisionPoint.ASSIGN, [question]
    )
    assert verdict.effect is Effect.DENY
    assert "trust_ok" in {reason.rule for reason in verdict.reasons}
    retire = {"participant": candidate(), "mode": "graceful", "caller": question["caller"]}
    (verdict,) = await GovernancePolicy(governance.channels).evaluate(
        governance.own_call(), DecisionPoint.RETIRE, [retire]
    )
    assert verdict.effect is Effect.DENY


async def test_a_decision_is_read_back_from_the_event_of_what_it_decided(
    governance: Governance,
) -> None:
    await projected(governance, registered(governance.tenant))
    verdict = await assign(governance)
    request = governance_pb2.GetPolicyDecisionRequest(decision_id=verdict.decision_id)
    method = governance.policies.GetPolicyDecision
    with pytest.raises(NotFound):
        await governance.as_person(method, request, "auditor")
    event = audit_event(governance.tenant, policy_decision=verdict_document(verdict))
    await governance.append(event)
    answer = await governance.as_person(method, request, "auditor")
    assert list(answer.audit_event_ids) == [event.event_id]
    assert answer.verdict.input_hash == verdict.input_hash
    assert answer.verdict.facts["trust"]["duplicate_detection"]["total"] > 0


async def test_trying_policy_has_no_effect(governance: Governance) -> None:
    request = governance_pb2.TryPolicyRequest(point="task.submit")
    request.input.update({"task": task(), "parent": None})
    method = governance.policies.TryPolicy
    answer = await governance.as_person(method, request, "operator", sub="olga")
    assert answer.verdict.reasons[0].text == "olga may submit this task."
    request.point = "task.destroy"
    with pytest.raises(FieldInvalid, match="point"):
        await governance.as_person(method, request, "operator")


async def test_every_participant_reads_the_catalogue_and_its_revision(
    governance: Governance,
) -> None:
    request = governance_pb2.GetCatalogueRequest()
    answer = await governance.as_participant(governance.policies.GetCatalogue, request, STEWARD)
    assert "duplicate_detection" in answer.catalogue["capabilities"]
    assert answer.policy_revision == (await assign(governance)).policy_revision


async def test_the_active_policy_is_in_every_ledger_once(
    start: Callable[..., Awaitable[Governance]],
) -> None:
    first = await start()
    await first.append(audit_event(first.tenant))
    await until(lambda: audited(first, "POLICY_ACTIVATED", 1))
    again = await start()
    await again.append(audit_event(again.tenant))
    (event,) = (await audited(again, "POLICY_ACTIVATED", 1)) or []
    assert event.new_state == (await assign(again)).policy_revision
    assert event.detail["tests"]["passed"] > 0
    assert event.detail["tests"]["failed"] == 0
