"""Overlays of a tenant in tests: uploaded, proposed again, activated, asked."""

from typing import Any

from phoenix_dma.v1 import audit_pb2, governance_pb2
from phoenix_runtime.chassis.rpc.policy import GovernancePolicy
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from tests.integration.governance.conftest import Governance
from tests.support.builders.overlays import payment, payment_overlay


def overlay(**changes: str | None) -> governance_pb2.PolicyOverlay:
    """The payment overlay, with changes."""
    return governance_pb2.PolicyOverlay(files=payment_overlay(**changes))


async def upload(governance: Governance, by: str = "ann", **changes: str | None) -> Any:
    """Upload it; answers the revision that is kept."""
    request = governance_pb2.UploadPolicyRequest(overlay=overlay(**changes), note="payments")
    method = governance.policies.UploadPolicy
    return (await governance.as_person(method, request, "policy_admin", sub=by)).policy


async def propose(governance: Governance, revision: str, by: str = "ann") -> Any:
    """Upload again what is kept, or for none the proposal to go back to the shipped bundle."""
    request = governance_pb2.UploadPolicyRequest(overlay_revision=revision)
    if not revision:
        request.overlay.files["catalogue.json"] = "{}"
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
