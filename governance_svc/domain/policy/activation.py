"""Activations of policy revisions, which the audit of every tenant records."""

from dataclasses import dataclass
from datetime import datetime

from governance_svc.domain.policy.bundle import BundleTests
from governance_svc.domain.policy.overlay import StoredOverlay
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import Verdict

AGGREGATE = "policy/bundle"
"""The aggregate of a tenant's activations."""

BY_RELEASE = "the release of the service that brought it"


@dataclass(frozen=True, slots=True)
class PolicyActivation:
    """One revision of the bundle that became active in a tenant; ``version`` counts them.

    ``overlay_revision`` is that of the tenant's own part, empty for none; ``activated_by`` is empty
    where a release of the service brought it.
    """

    version: int
    revision: str
    activated_at: datetime
    overlay_revision: str = ""
    activated_by: str = ""


@dataclass(frozen=True, slots=True)
class PolicyHead:
    """Which overlay decides in a tenant, empty for none; ``version`` counts the changes."""

    version: int
    overlay_revision: str


NO_HEAD = PolicyHead(0, "")
"""The head of a tenant that never activated an overlay."""


def is_pending(stored: StoredOverlay, head: PolicyHead) -> bool:
    """Whether the upload still counts as one person's word for activating it.

    It does until the policy changes; what decides already changes nothing.
    """
    return head.version == stored.policy_version or head.overlay_revision == stored.overlay_revision


@dataclass(frozen=True, slots=True)
class PolicyRevision:
    """An overlay as it stands: whether it decides, and when it was activated last."""

    stored: StoredOverlay
    replaced: tuple[str, ...] = ()
    active: bool = False
    activation: PolicyActivation | None = None


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What was uploaded or activated, and the proof; no overlay where the shipped bundle decides.

    ``policy_revision`` is that of the whole bundle; ``unchanged`` where it decided already, so that
    nothing was written.
    """

    policy: PolicyRevision | None
    policy_revision: str
    receipt: Receipt
    unchanged: bool = False


def activated_event(
    activation: PolicyActivation,
    previous: PolicyActivation | None,
    tests: BundleTests,
    verdict: Verdict | None = None,
) -> AuditDraft:
    """POLICY_ACTIVATED for ``activation``, which replaces ``previous``."""
    return AuditDraft(
        type=AuditEventType.POLICY_ACTIVATED,
        aggregate=AGGREGATE,
        aggregate_version=activation.version,
        reason_code=ReasonCode.NONE if previous is None else ReasonCode.SUPERSEDED,
        previous_state="" if previous is None else previous.revision,
        new_state=activation.revision,
        verdict=verdict,
        detail={
            "policy_revision": activation.revision,
            "overlay_revision": activation.overlay_revision,
            "by": activation.activated_by or BY_RELEASE,
            "tests": {"passed": tests.passed, "failed": tests.failed},
        },
    )


def uploaded_event(revision: PolicyRevision) -> AuditDraft:
    """POLICY_UPLOADED for an overlay that is kept, and decides nothing yet."""
    stored = revision.stored
    return AuditDraft(
        type=AuditEventType.POLICY_UPLOADED,
        aggregate=f"policy/upload/{stored.number}",
        aggregate_version=1,
        new_state=stored.policy_revision,
        detail={
            "overlay_revision": stored.overlay_revision,
            "policy_revision": stored.policy_revision,
            "files": sorted(stored.document),
            "replaced": list(revision.replaced),
            "tests": {"passed": stored.tests_passed, "failed": 0},
            "note": stored.note,
        },
    )
