"""What policy answers: one verdict per input, always with its reasons (paper, section 11)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from phoenix_runtime.core.json import Json


class DecisionPoint(StrEnum):
    """Every question that policy is asked. The names are the paper's where it has one."""

    JOIN = "participant.join"
    UPDATE_CAPABILITIES = "capability.update"
    DISCOVER = "participant.discover"
    REMAIN = "participant.remain"
    RETIRE = "participant.retire"
    SUBMIT = "task.submit"
    ASSIGN = "task.assign"
    OPERATE = "data.operate"
    HANDOFF = "handoff.initiate"
    COMPLETE = "task.complete"
    DECIDE_APPROVAL = "approval.decide"
    ACTIVATE_POLICY = "policy.activate"
    READ_AUDIT = "audit.read"


class Effect(StrEnum):
    """The three answers. Anything else that an engine may say is read as `DENY` (I9)."""

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"


ENGINE = "phoenix.engine"
"""The policy name of a denial for an answer of the policy engine that could not be read."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence and the rule that says it."""

    rule: str
    text: str


DUES = ("before_complete", "always")
"""When an obligation is due."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What policy asks in return. ``due`` is one of `DUES`."""

    id: str
    text: str
    due: str = "before_complete"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One claim that was not granted: ``kind`` is capability, data_domain or permission."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Grants:
    """What of a participant's claims holds; domains are expanded over the domain tree."""

    capabilities: frozenset[str] = frozenset()
    data_domains: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer to one input, with everything an auditor needs to judge it.

    ``decision_id`` is ``opa.dec.…``; ``policy`` names the rule package, ``policy_revision`` the
    digest of the bundle, ``input_hash`` the canonical input. ``policy_score`` is in [0, 1].
    """

    effect: Effect
    decision_id: str
    point: DecisionPoint
    policy: str
    policy_revision: str
    input_hash: str
    evaluated_at: datetime
    reasons: tuple[Reason, ...] = ()
    remediation: tuple[str, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    policy_score: float = 1.0
    grants: Grants | None = None
    approvers: tuple[str, ...] = ()
    trust: float | None = None
    """Least trust over the required capabilities, where the point judges trust."""
    facts: dict[str, Json] = field(default_factory=dict)
    """Further facts for the audit (trust terms, certified capabilities)."""

    @property
    def allowed(self) -> bool:
        """True only for a plain allow."""
        return self.effect is Effect.ALLOW

    @property
    def explanation(self) -> str:
        """The reasons as one line for people."""
        return "; ".join(reason.text for reason in self.reasons)
