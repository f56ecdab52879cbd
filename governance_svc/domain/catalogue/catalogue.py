"""The catalogue: the bundle's data document as checked values.

It defines the capabilities, data domains, permissions and constraints, what they mean, and which
trust is enough, so that assignment is deterministic and not a comparison of free text.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from governance_svc.domain.catalogue.secrets import SecretMark
from governance_svc.domain.trust.scoring import TrustModel, TrustPolicy
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.standing import RiskLevel
from phoenix_runtime.core.verdict import DecisionPoint, Obligation

EVERYBODY = "*"
"""The entry for owners without one of their own; in an entitlement it stands for all names."""

SUGGESTION_THRESHOLD = 0.4
"""The similarity from which a known name is suggested for an unknown one."""


class Kind(StrEnum):
    """The vocabularies, by the names that refusals use for them."""

    CAPABILITY = "capability"
    CONSTRAINT = "constraint"
    DATA_DOMAIN = "data_domain"
    PARTICIPANT_TYPE = "participant_type"
    PERMISSION = "permission"
    RISK_LEVEL = "risk_level"
    TRUST_POLICY = "trust_policy"
    OPERATION_KIND = "operation_kind"


@dataclass(frozen=True, slots=True)
class Permission:
    """The actions that a permission allows its holder, and on which data domains."""

    actions: frozenset[str]
    domains: frozenset[str]


ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        DecisionPoint.ASSIGN: "assign",
        DecisionPoint.HANDOFF: "handoff",
        DecisionPoint.COMPLETE: "complete",
    }
)
"""What the approvals are named that the runtime itself asks for (the bundle's `short_name`)."""


def gated_action(gates: Mapping[str, Json] | None) -> str:
    """The action that a gate asks approvals for; empty where it names no single one."""
    pattern = gates or {}
    if pattern.get("point") == DecisionPoint.OPERATE:
        return str(pattern.get("name", "")).lower()
    point = pattern.get("point")
    return next((name for known, name in ACTIONS.items() if known == point), "")


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a constraint gates, denies, obliges or permits; patterns match facts of an input."""

    gates: Mapping[str, Json] | None = None
    denies: Mapping[str, Json] | None = None
    obliges: Obligation | None = None
    permits_degraded: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """What participants of an owner may be granted; ``*`` in a set stands for all."""

    participant_types: frozenset[str]
    capabilities: frozenset[str]
    data_domains: frozenset[str]
    actions: frozenset[str]
    trust_policies: frozenset[str]
    certified: bool = False
    barred: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Who decides approvals, and from which risk level on an operation needs one.

    From ``repeat_risk`` on a human says whether an effect of unknown outcome may be repeated; below
    it whoever goes on has to look.
    """

    approvers: tuple[str, ...]
    exclude_owners_of_workers: bool
    exclude_same_owner: bool
    risk_gates: Mapping[str, RiskLevel]
    repeat_risk: RiskLevel = RiskLevel.HIGH


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """alpha to epsilon of Algorithm 3: capability match, availability, trust, cost, policy."""

    alpha: float
    beta: float
    gamma: float
    delta: float
    epsilon: float


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The checked document: every name that it uses is one that it defines."""

    participant_types: tuple[str, ...]
    capabilities: Mapping[str, RiskLevel]
    domains: Mapping[str, tuple[str, ...]]
    permissions: Mapping[str, Permission]
    constraints: Mapping[str, Constraint]
    needs: Mapping[str, str]
    owners: Mapping[str, Owner]
    trust_policies: Mapping[str, TrustPolicy]
    default_trust_policy: str
    trust_model: TrustModel
    approvals: ApprovalRules
    score_weights: ScoreWeights
    secrets: tuple[SecretMark, ...]
    document: JsonObject
    """The document as it was read, which GetCatalogue answers."""

    def expand(self, domains: Iterable[str]) -> frozenset[str]:
        """``domains`` with everything that they contain; unknown names are left out."""
        expanded: set[str] = set()
        waiting = [name for name in domains if name in self.domains]
        while waiting:
            name = waiting.pop()
            if name not in expanded:
                expanded.add(name)
                waiting.extend(self.domains[name])
        return frozenset(expanded)

    def names(self, kind: Kind) -> Collection[str]:
        """The known names of one vocabulary."""
        known: Mapping[Kind, Collection[str]] = {
            Kind.CAPABILITY: self.capabilities,
            Kind.CONSTRAINT: self.constraints,
            Kind.DATA_DOMAIN: self.domains,
            Kind.PARTICIPANT_TYPE: self.participant_types,
            Kind.PERMISSION: self.permissions,
            Kind.RISK_LEVEL: tuple(RiskLevel),
            Kind.TRUST_POLICY: self.trust_policies,
            Kind.OPERATION_KIND: self.needs,
        }
        return known[kind]

    def nearest(self, kind: Kind, name: str) -> str | None:
        """The known name that is most similar to ``name``; None where none is similar enough.

        The bundle's rule ``vocabulary.nearest`` answers the same (a contract test compares them).
        """
        ranked = sorted((-similarity(name, known), known) for known in self.names(kind))
        return ranked[0][1] if ranked and -ranked[0][0] >= SUGGESTION_THRESHOLD else None

    def trust_policy(self, name: str) -> TrustPolicy:
        """The trust policy of that name, the default where empty; KeyError where unknown."""
        return self.trust_policies[name or self.default_trust_policy]

    def owner(self, name: str) -> Owner:
        """The entry for an owner: its own, else the one for everybody."""
        return self.owners.get(name, self.owners[EVERYBODY])


def similarity(one: str, other: str) -> float:
    """The share of letter pairs that two names have in common (Dice), in [0, 1]."""
    pairs, others = _pairs(one), _pairs(other)
    total = len(pairs) + len(others)
    return 2 * len(pairs & others) / total if total else 0.0


def _pairs(word: str) -> set[str]:
    lower = word.lower()
    return {lower[i : i + 2] for i in range(len(lower) - 1)}
