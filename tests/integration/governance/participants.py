"""Participants, certifications and decisions over gRPC, for the tests of policy and trust."""

from typing import Any

from phoenix_dma.v1 import audit_pb2, governance_pb2
from phoenix_runtime.chassis.rpc.policy import GovernancePolicy
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from tests.integration.governance.conftest import Governance
from tests.support.builders.audit_events import audit_event
from tests.support.waiting.until import until

STEWARD = "agent.customer-steward.001"
CAPABILITIES = ["customer_validation", "duplicate_detection", "reference_data_validation"]


def candidate(**fields: Any) -> dict[str, Any]:
    """A granted participant as policy inputs describe it."""
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
    """A task as policy inputs describe it."""
    return {
        "task_id": "t",
        "required_capabilities": list(capabilities or ("duplicate_detection",)),
        "data_domains": ["customer_master"],
        "risk_level": risk,
        "policy_constraints": [],
        "submitter": "sam",
    }


def registered(tenant: str, name: str = STEWARD) -> AuditEvent:
    """The registration of a participant."""
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
    """Evaluate task.assign."""
    question = {"task": task(risk, *capabilities), "candidate": candidate(), "approvals": []}
    (verdict,) = await GovernancePolicy(governance.channels).evaluate(
        governance.own_call(), DecisionPoint.ASSIGN, [question]
    )
    return verdict


async def certify(governance: Governance, **fields: Any) -> Any:
    """Grant a certification."""
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
    """Read a trust score."""
    request = governance_pb2.GetTrustScoreRequest(participant_id=name)
    return await governance.as_person(governance.policies.GetTrustScore, request, "auditor")


async def projected(governance: Governance, *events: AuditEvent) -> Any:
    """Deliver events, and wait until trust rests on them; answers the trust score."""
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


async def audited(governance: Governance, kind: str, count: int) -> Any:
    """The events of this type, once there are ``count``."""
    request = audit_pb2.ListAuditEventsRequest(type=[kind])
    answer = await governance.as_person(governance.audit.ListAuditEvents, request, "auditor")
    return list(answer.events) if len(answer.events) == count else None
