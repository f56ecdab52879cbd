"""Activations of policy revisions, which the audit of every tenant records."""

from dataclasses import dataclass
from datetime import datetime

from governance_svc.domain.policy.bundle import BundleTests
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode

AGGREGATE = "policy/bundle"
"""The aggregate of a tenant's activations."""


@dataclass(frozen=True, slots=True)
class PolicyActivation:
    """One revision of the bundle that became active in a tenant; ``version`` counts them."""

    version: int
    revision: str
    activated_at: datetime


def activated_event(
    activation: PolicyActivation, previous: PolicyActivation | None, tests: BundleTests
) -> AuditDraft:
    """POLICY_ACTIVATED for ``activation``, which replaces ``previous``."""
    return AuditDraft(
        type=AuditEventType.POLICY_ACTIVATED,
        aggregate=AGGREGATE,
        aggregate_version=activation.version,
        reason_code=ReasonCode.NONE if previous is None else ReasonCode.SUPERSEDED,
        previous_state="" if previous is None else previous.revision,
        new_state=activation.revision,
        detail={
            "policy_revision": activation.revision,
            "by": "the release of the service that brought it",
            "tests": {"passed": tests.passed, "failed": tests.failed},
        },
    )
