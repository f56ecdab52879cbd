"""Cases of a tenant's own rules: uploaded once, activated once."""

from __future__ import annotations

from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.v1 import governance_pb2
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.crash_windows.ends import in_ledger
from tests.robustness.crash_windows.windows import CrashCase, Operation, request, verb
from tests.support.builders.overlays import payment_overlay


def _payments() -> governance_pb2.UploadPolicyRequest:
    overlay = governance_pb2.PolicyOverlay(files=payment_overlay())
    return governance_pb2.UploadPolicyRequest(overlay=overlay, note="payments")


async def _policies(api: RuntimeApi) -> list[governance_pb2.PolicyRevision]:
    wanted = governance_pb2.ListPoliciesRequest()
    return list((await api.ask(api.stubs.governance.ListPolicies, wanted)).policies)


async def uploading(scenario: Scenario) -> Operation:
    ann = await scenario.person("ann", "policy_admin")

    async def finish(answer: governance_pb2.UploadPolicyResponse) -> None:
        (kept,) = await _policies(ann)
        assert kept.overlay_revision == answer.policy.overlay_revision
        await in_ledger(scenario, "POLICY_UPLOADED")

    method = ann.stubs.governance.UploadPolicy
    return request(ann, method, _payments(), {"POLICY_UPLOADED": 1}, finish)


async def activating(scenario: Scenario) -> Operation:
    ann = await scenario.person("ann", "policy_admin")
    bob = await scenario.person("bob", "policy_admin")
    kept = (await ann.ask(ann.stubs.governance.UploadPolicy, _payments())).policy
    message = governance_pb2.ActivatePolicyRequest(overlay_revision=kept.overlay_revision)

    async def finish(_: object) -> None:
        (active,) = await _policies(ann)
        assert active.active
        # The shipped bundle has an event of the same type in this tenant.
        events = await scenario.events("POLICY_ACTIVATED")
        assert [one.detail.get("overlay_revision") for one in events].count(
            kept.overlay_revision
        ) == 1, events

    method = bob.stubs.governance.ActivatePolicy
    return request(bob, method, message, {}, finish)


GOVERNANCE = "governance"
POLICIES = (
    CrashCase("uploading-rules", GOVERNANCE, verb("UploadPolicy"), uploading),
    CrashCase("activating-rules", GOVERNANCE, verb("ActivatePolicy"), activating),
)
