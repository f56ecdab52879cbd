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


BEFORE_COMPLETE = "before_complete"
ALWAYS = "always"
DUES = (BEFORE_COMPLETE, ALWAYS)
"""When an obligation is due. What is due always holds until its task ends and is never met."""

APPROVAL = "approval"
DECISION = "decision"
MET_BY = (APPROVAL, DECISION)
"""What meets an obligation: a human's approval that was used, or a decision in the context."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What policy asks in return. ``due`` is one of `DUES`, ``met_by`` one of `MET_BY`.

    ``action`` is what the approval has to be for (merge, complete, …), where one meets it.
    """

    id: str
    text: str
    due: str = BEFORE_COMPLETE
    met_by: str = DECISION
    action: str = ""


def obligation_faults(due: str, met_by: str | None, action: str | None) -> dict[str, str]:
    """What is wrong with an obligation, by the field that is wrong; None stands for not given."""
    if due not in DUES:
        return {"due": f"is none of {', '.join(DUES)}"}
    if due == ALWAYS:
        given = {"met_by": met_by, "action": action}
        text = "is not for what is due always: that holds until the task ends, nothing meets it"
        return {name: text for name, value in given.items() if value is not None}
    if met_by not in (None, *MET_BY):
        return {"met_by": f"is none of {', '.join(MET_BY)}"}
    if met_by == APPROVAL and not action:
        return {"action": "names what has to be approved, such as merge or complete"}
    if met_by != APPROVAL and action is not None:
        return {"action": f"goes with met_by {APPROVAL}, and only with it"}
    return {}


def evidence_of(due: str, met_by: str | None) -> str:
    """What meets an obligation: a decision where nothing is said; empty where it is due always."""
    return "" if due == ALWAYS else met_by or DECISION


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
        """The reasons as one line for people: sentences one after another, else with semicolons."""
        return "; ".join(reason.text for reason in self.reasons).replace(".; ", ". ")
