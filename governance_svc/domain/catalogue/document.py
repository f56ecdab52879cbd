"""Reads the data document into a `Catalogue`, or reports every violation in it."""

from collections.abc import Mapping
from datetime import timedelta

from governance_svc.domain.catalogue import checks
from governance_svc.domain.catalogue.catalogue import (
    ApprovalRules,
    Catalogue,
    Owner,
    Permission,
    ScoreWeights,
)
from governance_svc.domain.catalogue.constraints import read_constraint
from governance_svc.domain.catalogue.reader import Reader
from governance_svc.domain.catalogue.secrets import KEYS, SecretMark
from governance_svc.domain.trust.scoring import COMPONENTS, TrustModel, TrustPolicy
from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.standing import RiskLevel


class CatalogueInvalid(FieldInvalid):
    """The data document is inconsistent; every violation is named by its path."""


def read_catalogue(document: JsonObject) -> Catalogue:
    """The catalogue of ``document``; raises `CatalogueInvalid` with every violation."""
    reader = Reader()
    catalogue = _read(reader, document)
    violations = reader.violations or checks.violations(catalogue)
    if violations:
        raise CatalogueInvalid(violations)
    return catalogue


def _read(reader: Reader, doc: JsonObject) -> Catalogue:
    return Catalogue(
        participant_types=reader.names("participant_types", doc.get("participant_types")),
        capabilities=reader.entries(
            "capabilities", doc.get("capabilities"), lambda p, e: reader.risk(p, e.get("risk"))
        ),
        domains=reader.entries(
            "domains", doc.get("domains"), lambda p, e: reader.names(p, e.get("contains", []))
        ),
        permissions=reader.entries(
            "permissions", doc.get("permissions"), lambda p, e: _permission(reader, p, e)
        ),
        constraints=reader.entries(
            "constraints", doc.get("constraints"), lambda p, e: read_constraint(reader, p, e)
        ),
        needs={
            kind: reader.text(f"needs.{kind}", action)
            for kind, action in reader.mapping("needs", doc.get("needs")).items()
        },
        owners=reader.entries("owners", doc.get("owners"), lambda p, e: _owner(reader, p, e)),
        trust_policies=reader.entries(
            "trust_policies", doc.get("trust_policies"), lambda p, e: _trust_policy(reader, p, e)
        ),
        default_trust_policy=reader.text("default_trust_policy", doc.get("default_trust_policy")),
        trust_model=_trust_model(reader, reader.mapping("trust_model", doc.get("trust_model"))),
        approvals=_approvals(reader, reader.mapping("approvals", doc.get("approvals"))),
        score_weights=_score_weights(
            reader, reader.mapping("score_weights", doc.get("score_weights"))
        ),
        secrets=_secrets(reader, doc.get("secrets", [])),
        document=doc,
    )


def _secrets(reader: Reader, value: Json) -> tuple[SecretMark, ...]:
    if not isinstance(value, list | tuple):
        reader.report("secrets", "is not a list")
        return ()
    return tuple(_secret(reader, f"secrets.{index}", one) for index, one in enumerate(value))


def _secret(reader: Reader, path: str, value: Json) -> SecretMark:
    entry = reader.mapping(path, value)
    for key in entry.keys() - set(KEYS):
        reader.report(f"{path}.{key}", f"is none of {', '.join(KEYS)}")
    if not entry:
        reader.report(path, f"names none of {', '.join(KEYS)}")
    limits = {
        key: reader.text(f"{path}.{key}", entry[key])
        for key in ("kind", "name", "domain")
        if key in entry
    }
    return SecretMark(reader.names(f"{path}.fields", entry.get("fields", [])), **limits)


def _permission(reader: Reader, path: str, entry: Mapping[str, Json]) -> Permission:
    return Permission(
        frozenset(reader.names(f"{path}.actions", entry.get("actions"))),
        frozenset(reader.names(f"{path}.domains", entry.get("domains"))),
    )


def _owner(reader: Reader, path: str, entry: Mapping[str, Json]) -> Owner:
    def entitled(field: str) -> frozenset[str]:
        return frozenset(reader.names(f"{path}.{field}", entry.get(field)))

    return Owner(
        participant_types=entitled("participant_types"),
        capabilities=entitled("capabilities"),
        data_domains=entitled("data_domains"),
        actions=entitled("actions"),
        trust_policies=entitled("trust_policies"),
        certified=reader.boolean(f"{path}.certified", entry.get("certified", False)),
        barred=reader.boolean(f"{path}.barred", entry.get("barred", False)),
    )


def _trust_policy(reader: Reader, path: str, entry: Mapping[str, Json]) -> TrustPolicy:
    thresholds = reader.mapping(f"{path}.threshold", entry.get("threshold"))
    weights = reader.mapping(f"{path}.weights", entry.get("weights"))
    return TrustPolicy(
        name=path.rpartition(".")[2],
        threshold={
            risk: reader.number(f"{path}.threshold.{risk}", thresholds.get(risk))
            for risk in RiskLevel
        },
        remain=reader.number(f"{path}.remain", entry.get("remain")),
        weights={
            name: reader.number(f"{path}.weights.{name}", weights.get(name)) for name in COMPONENTS
        },
    )


def _trust_model(reader: Reader, entry: Mapping[str, Json]) -> TrustModel:
    days = reader.number("trust_model.half_life_days", entry.get("half_life_days"), most=36500)
    if days <= 0:
        reader.report("trust_model.half_life_days", "is not above 0")
    return TrustModel(
        half_life=timedelta(days=days or 1),
        prior=_gain(reader, "trust_model.prior", entry.get("prior")),
        prior_beats=reader.number("trust_model.prior_beats", entry.get("prior_beats"), most=10_000),
        identity=_shares(reader, "trust_model.identity", entry.get("identity")),
        certified_owner=reader.number("trust_model.certified_owner", entry.get("certified_owner")),
        certifying_coverage=reader.number(
            "trust_model.certifying_coverage", entry.get("certifying_coverage")
        ),
        outcomes=reader.entries(
            "trust_model.outcomes", entry.get("outcomes"), lambda p, e: _gain(reader, p, e)
        ),
        severities=_shares(reader, "trust_model.severities", entry.get("severities")),
    )


def _gain(reader: Reader, path: str, value: Json) -> tuple[float, float]:
    entry = reader.mapping(path, value)
    good = reader.number(f"{path}.good", entry.get("good"), most=100)
    return good, reader.number(f"{path}.bad", entry.get("bad"), most=100)


def _shares(reader: Reader, path: str, value: Json) -> dict[str, float]:
    found = reader.mapping(path, value).items()
    return {name: reader.number(f"{path}.{name}", share) for name, share in found}


def _approvals(reader: Reader, entry: Mapping[str, Json]) -> ApprovalRules:
    gates = reader.mapping("approvals.risk_gates", entry.get("risk_gates"))
    owners, same = entry.get("exclude_owners_of_workers"), entry.get("exclude_same_owner")
    return ApprovalRules(
        approvers=reader.names("approvals.approvers", entry.get("approvers")),
        exclude_owners_of_workers=reader.boolean("approvals.exclude_owners_of_workers", owners),
        exclude_same_owner=reader.boolean("approvals.exclude_same_owner", same),
        risk_gates={k: reader.risk(f"approvals.risk_gates.{k}", v) for k, v in gates.items()},
        # Catalogues from before effects do not have it.
        repeat_risk=reader.risk("approvals.repeat_risk", entry.get("repeat_risk", "high")),
    )


def _score_weights(reader: Reader, entry: Mapping[str, Json]) -> ScoreWeights:
    fields = ("alpha", "beta", "gamma", "delta", "epsilon")
    return ScoreWeights(
        *(reader.number(f"score_weights.{field}", entry.get(field)) for field in fields)
    )
