"""Converts between messages about policy overlays and the values of the domain."""

from collections.abc import Mapping

from governance_svc.domain.policy.activation import PolicyChange, PolicyRevision
from phoenix_dma.v1 import governance_pb2
from phoenix_runtime.chassis.rpc.conversions import receipt_to_pb, time_to_pb
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.core.pages import Page


def files_from_pb(overlay: governance_pb2.PolicyOverlay) -> Mapping[str, str]:
    """The files of an overlay."""
    return dict(overlay.files)


def revision_to_pb(revision: PolicyRevision) -> governance_pb2.PolicyRevision:
    """One overlay as it stands."""
    stored, activation = revision.stored, revision.activation
    return governance_pb2.PolicyRevision(
        overlay_revision=stored.overlay_revision,
        policy_revision=stored.policy_revision,
        tests_passed=stored.tests_passed,
        replaced=revision.replaced,
        uploaded_by=stored.uploaded_by,
        upload_time=time_to_pb(stored.uploaded_at),
        note=stored.note,
        active=revision.active,
        activate_time=time_to_pb(activation.activated_at) if activation else None,
        activated_by=activation.activated_by if activation else "",
    )


def validated_to_pb(revision: PolicyRevision) -> governance_pb2.ValidatePolicyResponse:
    """What passed."""
    return governance_pb2.ValidatePolicyResponse(policy=revision_to_pb(revision))


def uploaded_to_pb(change: PolicyChange) -> governance_pb2.UploadPolicyResponse:
    """What is kept."""
    return governance_pb2.UploadPolicyResponse(
        policy=revision_to_pb(change.policy) if change.policy else None,
        receipt=receipt_to_pb(change.receipt),
    )


def activated_to_pb(change: PolicyChange) -> governance_pb2.ActivatePolicyResponse:
    """What decides."""
    shipped = governance_pb2.PolicyRevision(policy_revision=change.policy_revision, active=True)
    return governance_pb2.ActivatePolicyResponse(
        policy=revision_to_pb(change.policy) if change.policy else shipped,
        receipt=receipt_to_pb(change.receipt),
        already_active=change.unchanged,
    )


def policies_to_pb(
    found: tuple[Page[PolicyRevision], str],
) -> governance_pb2.ListPoliciesResponse:
    """A page of overlays, and what decides now."""
    page, decides = found
    policies, token = page_to_pb(page, revision_to_pb)
    return governance_pb2.ListPoliciesResponse(
        policies=policies,
        next_page_token=token,
        policy_revision=decides,
        total_size=page.total,
    )
