"""Decisions over gRPC: the real bundle in the real engine, trust from the ledger."""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_dma.v1 import audit_pb2, governance_pb2
from phoenix_runtime.chassis.rpc.policy import GovernancePolicy
from phoenix_runtime.core.errors import (
    FieldInvalid,
    IllegalTransition,
    NotFound,
    NotPermitted,
    PolicyEngineUnavailable,
)
from phoenix_runtime.core.events import AuditEvent, verdict_document
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict
from tests.integration.governance.conftest import Governance
from tests.support.builders.audit_events import audit_event
from tests.support.processes.breakable_runtime import children_of
from tests.support.waiting.until import until

STEWARD = "agent.customer-steward.001"
CAPABILITIES = ["customer_validation", "duplicate_detection", "reference_data_validation"]


def candidate(**fields: Any) -> dict[str, Any]:
    return {
        "id": STEWARD,
        "type": "agent",
        "owner": "data-governance",
        "status": "active",
        "capabilities": CAPABILITIES,
        "data_domains": ["customer", "customer_contact", "customer_master"],
        "permissions": ["read_customer_master", "suggest_merge"],
        "trust_policy": "enterprise-standard",
        **fields,
    }


def task(risk: str = "medium", *capabilities: str) -> dict[str, Any]:
    return {
        "task_id": "t",
        "required_capabilities": list(capabilities or ("duplicate_detection",)),
        "data_domains": ["customer_master"],
        "risk_level": risk,
        "policy_constraints": [],
        "submitter": "sam",
    }


def registered(tenant: str, name: str = STEWARD) -> AuditEvent:
    return audit_event(
        tenant,
        type="PARTICIPANT_REGISTERED",
        participant=name,
        detail={
            "identity": {"assurance": "local"},
            "owner": "data-governance",
            "claims": {"trust_score": 0.99},
            "grants": {"capabilities": CAPABILITIES},
        },
    )


async def assign(governance: Governance, risk: str = "medium", *capabilities: str) -> Verdict:
    question = {"task": task(risk, *capabilities), "candidate": candidate(), "approvals": []}
    (verdict,) = await GovernancePolicy(governance.channels).evaluate(
        governance.own_call(), DecisionPoint.ASSIGN, [question]
    )
    return verdict


async def certify(governance: Governance, **fields: Any) -> Any:
    request = governance_pb2.GrantCertificationRequest(
        **{
            "participant_id": STEWARD,
            "capability": "duplicate_detection",
            "evidence": "reviewed 200 pairs",
            **fields,
        }
    )
    grant = governance.policies.GrantCertification
    return (await governance.as_person(grant, request, "operator")).certification


async def trust(governance: Governance, name: str = STEWARD) -> Any:
    request = governance_pb2.GetTrustScoreRequest(participant_id=name)
    return await governance.as_person(governance.policies.GetTrustScore, request, "auditor")


async def known(governance: Governance, *events: AuditEvent) -> Any:
    """Deliver events, and wait until trust rests on them."""
    await governance.append(*events)
    wanted = {event.event_id for event in events}

    async def look() -> Any:
        try:
            found = await trust(governance)
        except NotFound:
            return None
        cited = {e for s in found.scores.values() for t in s.terms for e in t.evidence}
        return found if wanted <= cited else None

    return await until(look)


async def test_a_verdict_carries_everything_an_auditor_needs(governance: Governance) -> None:
    await known(governance, registered(governance.tenant))
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


async def test_an_uncertified_high_risk_capability_is_matched_only_once_certified(
    governance: Governance,
) -> None:
    wanted = ("low", "reference_data_validation")
    await known(governance, registered(governance.tenant))
    assert (await assign(governance, *wanted)).effect is Effect.DENY
    held = await certify(governance, capability="reference_data_validation")
    assert (await assign(governance, *wanted)).effect is Effect.ALLOW
    revoke = governance_pb2.RevokeCertificationRequest(
        certification_id=held.certification_id, reason="drifted"
    )
    method = governance.policies.RevokeCertification
    await governance.as_person(method, revoke, "operator")
    assert (await assign(governance, *wanted)).effect is Effect.DENY
    with pytest.raises(IllegalTransition):
        await governance.as_person(method, revoke, "operator")


async def test_certifications_are_refused_by_field_listed_and_audited(
    governance: Governance,
) -> None:
    with pytest.raises(FieldInvalid, match="did you mean duplicate_detection"):
        await certify(governance, capability="duplicate_detektion")
    with pytest.raises(FieldInvalid, match="coverage"):
        await certify(governance, coverage=1.5)
    first = await certify(governance)
    second = await certify(governance, coverage=0.8, method="test_suite")
    request = governance_pb2.ListCertificationsRequest(participant_id=STEWARD, page_size=1)
    found = []
    for _ in range(2):
        method = governance.policies.ListCertifications
        answer = await governance.as_person(method, request, "auditor")
        found += [one.certification_id for one in answer.certifications]
        request.page_token = answer.next_page_token
    assert found == [second.certification_id, first.certification_id]
    assert answer.next_page_token == ""
    await until(lambda: audited(governance, "CERTIFICATION_GRANTED", 2))


async def test_nobody_certifies_itself(governance: Governance) -> None:
    request = governance_pb2.GrantCertificationRequest(participant_id="human.a", evidence="me")
    with pytest.raises(NotPermitted, match="certifies itself"):
        await governance.as_participant(
            governance.policies.GrantCertification, request, "human.a", "reviewer"
        )


async def test_trust_follows_the_ledger_and_names_the_events_behind_it(
    governance: Governance,
) -> None:
    before = await known(governance, registered(governance.tenant))
    losses = [
        audit_event(
            governance.tenant,
            type="TASK_MIGRATING",
            participant=STEWARD,
            reason_code="participant_failed",
        )
        for _ in range(3)
    ]
    after = await known(governance, *losses)
    assert after.least < before.least
    assert dict(after.thresholds) == {"low": 0.3, "medium": 0.5, "high": 0.7}
    assert after.as_of_sequence >= 4
    score = after.scores["duplicate_detection"]
    (term,) = [t for t in score.terms if t.name == "historical_reliability"]
    assert set(term.evidence) == {event.event_id for event in losses}
    assert "0 of 3" in term.because


async def test_trust_in_somebody_unknown_is_not_found(governance: Governance) -> None:
    with pytest.raises(NotFound):
        await trust(governance, "nobody")


async def test_a_decision_is_read_back_from_the_event_of_what_it_decided(
    governance: Governance,
) -> None:
    await known(governance, registered(governance.tenant))
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


async def test_the_catalogue_and_its_revision_are_public_in_the_house(
    governance: Governance,
) -> None:
    request = governance_pb2.GetCatalogueRequest()
    answer = await governance.as_participant(governance.policies.GetCatalogue, request, STEWARD)
    assert "duplicate_detection" in answer.catalogue["capabilities"]
    assert answer.policy_revision == (await assign(governance)).policy_revision


async def test_the_policy_in_force_is_in_every_ledger_once(
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


async def test_without_an_engine_every_decision_is_refused_and_the_ledger_goes_on(
    start: Callable[..., Awaitable[Governance]],
) -> None:
    governance = await start(opa_url="http://127.0.0.1:9")
    with pytest.raises(PolicyEngineUnavailable):
        await assign(governance)
    await governance.append(audit_event(governance.tenant))
    request = audit_pb2.ListAuditEventsRequest()
    with pytest.raises(PolicyEngineUnavailable):
        await governance.as_person(governance.audit.ListAuditEvents, request, "auditor")


async def test_an_engine_that_was_killed_is_replaced_and_decides_again(
    start: Callable[..., Awaitable[Governance]],
) -> None:
    governance = await start()
    before = await assign(governance)
    children = _engine_processes()
    for child in children:
        os.kill(child, signal.SIGKILL)
    assert children

    async def look() -> Any:
        try:
            return await assign(governance)
        except PolicyEngineUnavailable:
            return None

    after = await until(look)
    assert after.policy_revision == before.policy_revision


async def audited(governance: Governance, kind: str, count: int) -> Any:
    request = audit_pb2.ListAuditEventsRequest(type=[kind])
    answer = await governance.as_person(governance.audit.ListAuditEvents, request, "auditor")
    return list(answer.events) if len(answer.events) == count else None


def _engine_processes() -> list[int]:
    """Children of this very process that run a policy engine."""
    children = children_of(os.getpid())
    return [pid for pid in children if b"engine_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]
