"""Checks a catalogue for undefined names, wrong weights and circular domains."""

from collections.abc import Iterable, Iterator, Mapping

from governance_svc.domain.catalogue.catalogue import EVERYBODY, Catalogue, Owner
from phoenix_runtime.core import event_catalogue
from phoenix_runtime.core.errors import Violation
from phoenix_runtime.core.event_catalogue import TrustEvidence
from phoenix_runtime.core.ids import is_name
from phoenix_runtime.core.standing import RiskLevel
from phoenix_runtime.core.verdict import Obligation

OUTCOMES = tuple(kind.value for kind in TrustEvidence if kind in event_catalogue.OUTCOMES)
SEVERITIES = tuple(kind.severity for kind in TrustEvidence if kind.severity)


def violations(catalogue: Catalogue) -> tuple[Violation, ...]:
    """Every violation, by path; empty for a consistent catalogue."""
    checks = (
        _names,
        _domains,
        _permissions,
        _owners,
        _trust,
        _trust_model,
        _obligations,
        _weights,
        _secrets,
    )
    return tuple(
        Violation(f"catalogue.{path}", text) for check in checks for path, text in check(catalogue)
    )


_Found = Iterator[tuple[str, str]]


def _names(catalogue: Catalogue) -> _Found:
    vocabularies: Mapping[str, Iterable[str]] = {
        "participant_types": catalogue.participant_types,
        "capabilities": catalogue.capabilities,
        "domains": catalogue.domains,
        "permissions": catalogue.permissions,
        "constraints": catalogue.constraints,
        "needs": catalogue.needs,
    }
    for path, names in vocabularies.items():
        for name in names:
            if not is_name(name):
                yield f"{path}.{name}", "is not a name: use lower-case letters, digits and _"
        if not list(names):
            yield path, "is empty"


def _domains(catalogue: Catalogue) -> _Found:
    for name, contained in catalogue.domains.items():
        for part in contained:
            if part not in catalogue.domains:
                yield f"domains.{name}.contains", f"{part} is not a domain"
            elif name in catalogue.expand([part]):
                yield f"domains.{name}.contains", f"{part} contains {name} itself"


def _permissions(catalogue: Catalogue) -> _Found:
    for name, permission in catalogue.permissions.items():
        for domain in sorted(permission.domains - catalogue.domains.keys()):
            yield f"permissions.{name}.domains", f"{domain} is not a domain"
        if not permission.actions or not permission.domains:
            yield f"permissions.{name}", "allows nothing"


def _owners(catalogue: Catalogue) -> _Found:
    if EVERYBODY not in catalogue.owners:
        yield "owners", f"has no entry {EVERYBODY} for owners without one of their own"
    for name, owner in catalogue.owners.items():
        for field, unknown in _entitlements(catalogue, owner):
            for entitled in sorted(unknown):
                yield f"owners.{name}.{field}", f"{entitled} is not known"


def _entitlements(catalogue: Catalogue, owner: Owner) -> Iterator[tuple[str, frozenset[str]]]:
    every = frozenset({EVERYBODY})
    yield "capabilities", owner.capabilities - catalogue.capabilities.keys() - every
    yield "data_domains", owner.data_domains - catalogue.domains.keys() - every
    yield "participant_types", owner.participant_types - set(catalogue.participant_types) - every
    yield "trust_policies", owner.trust_policies - catalogue.trust_policies.keys() - every


def _trust(catalogue: Catalogue) -> _Found:
    if catalogue.default_trust_policy not in catalogue.trust_policies:
        yield "default_trust_policy", "is not a trust policy"
    for name, policy in catalogue.trust_policies.items():
        if abs(sum(policy.weights.values()) - 1.0) > 1e-9:
            yield f"trust_policies.{name}.weights", "do not sum to 1"
        thresholds = [policy.threshold[risk] for risk in RiskLevel]
        if thresholds != sorted(thresholds):
            yield f"trust_policies.{name}.threshold", "falls while the risk grows"


def _trust_model(catalogue: Catalogue) -> _Found:
    model = catalogue.trust_model
    if min(model.prior) <= 0:
        yield "trust_model.prior", "is not above 0"
    if model.prior_beats <= 0:
        yield "trust_model.prior_beats", "is not above 0"
    for path, found, wanted in (
        ("outcomes", model.outcomes.keys(), OUTCOMES),
        ("severities", model.severities.keys(), SEVERITIES),
    ):
        if set(found) != set(wanted):
            yield f"trust_model.{path}", f"does not have exactly {', '.join(wanted)}"


def _obligations(catalogue: Catalogue) -> _Found:
    found: dict[str, Obligation] = {}
    for name, constraint in catalogue.constraints.items():
        obligation = constraint.obliges
        if obligation and found.setdefault(obligation.id, obligation) != obligation:
            yield f"constraints.{name}.obliges", f"{obligation.id} is defined twice, differently"


def _weights(catalogue: Catalogue) -> _Found:
    weights = catalogue.score_weights
    total = weights.alpha + weights.beta + weights.gamma + weights.delta + weights.epsilon
    if abs(total - 1.0) > 1e-9:
        yield "score_weights", "do not sum to 1"
    for kind in catalogue.approvals.risk_gates.keys() - catalogue.needs.keys():
        yield f"approvals.risk_gates.{kind}", "is not a kind of operation"
    if not catalogue.approvals.approvers:
        yield "approvals.approvers", "is empty"


def _secrets(catalogue: Catalogue) -> _Found:
    for index, mark in enumerate(catalogue.secrets):
        if mark.domain and mark.domain not in catalogue.domains:
            yield f"secrets.{index}.domain", f"{mark.domain} is not a domain"
        if mark.kind and mark.kind not in catalogue.needs:
            yield f"secrets.{index}.kind", f"{mark.kind} is not a kind of operation"
