"""The catalogue: the data document as values that cannot be wrong."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.domain.catalogue.catalogue import Catalogue, Kind
from governance_svc.domain.catalogue.document import CatalogueInvalid, read_catalogue
from governance_svc.domain.policy.bundle import make_bundle
from phoenix_runtime.core.standing import RiskLevel
from phoenix_runtime.core.verdict import APPROVAL

BUNDLE = shipped_bundle()
CATALOGUE = BUNDLE.catalogue


def test_the_papers_names_are_known() -> None:
    assert {"customer_validation", "duplicate_detection", "policy_check"} <= set(
        CATALOGUE.capabilities
    )
    assert CATALOGUE.capabilities["reference_data_validation"] is RiskLevel.HIGH
    assert {"read_customer_master", "suggest_merge"} <= set(CATALOGUE.permissions)
    assert {
        "human_approval_required_for_merge",
        "human_approval_required",
        "no_direct_write",
    } <= set(CATALOGUE.constraints)
    assert {"agent", "human", "data_product", "workload", "actor"} <= set(
        CATALOGUE.participant_types
    )


def test_a_domain_reaches_what_it_contains() -> None:
    assert CATALOGUE.expand(["customer"]) == {"customer", "customer_master", "customer_contact"}
    assert CATALOGUE.expand(["customer_master", "nowhere"]) == {"customer_master"}
    assert CATALOGUE.expand([]) == frozenset()


def test_domains_are_followed_through_every_depth() -> None:
    document = changed(lambda d: d["domains"].update(enterprise={"contains": ["customer"]}))
    assert "customer_contact" in read_catalogue(document).expand(["enterprise"])


@pytest.mark.parametrize(
    ("kind", "name", "nearest"),
    [
        (Kind.CAPABILITY, "duplicate_detecton", "duplicate_detection"),
        (Kind.CONSTRAINT, "human_aproval_required", "human_approval_required"),
        (Kind.DATA_DOMAIN, "customer_mastr", "customer_master"),
        (Kind.PARTICIPANT_TYPE, "agents", "agent"),
        (Kind.RISK_LEVEL, "hgh", "high"),
        (Kind.CAPABILITY, "xyzzy", None),
        (Kind.CAPABILITY, "", None),
        (Kind.PERMISSION, "READ_CUSTOMER", "read_customer"),
    ],
)
def test_the_nearest_known_name_is_named(kind: Kind, name: str, nearest: str | None) -> None:
    assert CATALOGUE.nearest(kind, name) == nearest


def test_trust_policies_have_a_default_and_owners_an_everybody() -> None:
    assert CATALOGUE.trust_policy("").name == "enterprise-standard"
    assert CATALOGUE.trust_policy("regulated").threshold[RiskLevel.HIGH] == 0.8
    with pytest.raises(KeyError):
        CATALOGUE.trust_policy("none")
    assert CATALOGUE.owner("data-governance").certified
    assert CATALOGUE.owner("somebody") == CATALOGUE.owners["*"]


OBLIGES_APPROVAL = {
    "id": "seen",
    "text": "A human sees it.",
    "due": "before_complete",
    "met_by": "approval",
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(dict(BUNDLE.data))
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda d: d.pop("domains"), "catalogue.domains"),
        (
            lambda d: d["domains"]["customer"].update(contains=["nowhere"]),
            "catalogue.domains.customer.contains",
        ),
        (
            lambda d: d["domains"]["customer_master"].update(contains=["customer"]),
            "catalogue.domains.customer.contains",
        ),
        (
            lambda d: d["capabilities"]["policy_check"].update(risk="huge"),
            "catalogue.capabilities.policy_check",
        ),
        (
            lambda d: d["capabilities"].update({"Bad Name": {"risk": "low"}}),
            "catalogue.capabilities.Bad Name",
        ),
        (
            lambda d: d["permissions"]["suggest_merge"].update(domains=["x"]),
            "catalogue.permissions.suggest_merge.domains",
        ),
        (
            lambda d: d["permissions"]["suggest_merge"].update(actions=[]),
            "catalogue.permissions.suggest_merge",
        ),
        (
            lambda d: d["constraints"]["no_direct_write"].update(denies={"kind": "data_mutation"}),
            "catalogue.constraints.no_direct_write.denies.point",
        ),
        (
            lambda d: d["constraints"]["no_direct_write"]["denies"].update(colour="red"),
            "catalogue.constraints.no_direct_write.denies.colour",
        ),
        (
            lambda d: d["constraints"].update(four_eyes={"gate": {}}),
            "catalogue.constraints.four_eyes.gate",
        ),
        (
            lambda d: d["trust_policies"]["regulated"]["weights"].update(runtime_health=0.9),
            "catalogue.trust_policies.regulated.weights",
        ),
        (
            lambda d: d["trust_policies"]["regulated"]["threshold"].update(high=0.1),
            "catalogue.trust_policies.regulated.threshold",
        ),
        (lambda d: d.update(default_trust_policy="none"), "catalogue.default_trust_policy"),
        (
            lambda d: d["trust_model"].update(half_life_days=0),
            "catalogue.trust_model.half_life_days",
        ),
        (lambda d: d["trust_model"]["outcomes"].pop("lost"), "catalogue.trust_model.outcomes"),
        (lambda d: d["trust_model"].update(prior_beats=0), "catalogue.trust_model.prior_beats"),
        (
            lambda d: d["trust_model"].update(certified_owner=True),
            "catalogue.trust_model.certified_owner",
        ),
        (lambda d: d["owners"].pop("*"), "catalogue.owners"),
        (
            lambda d: d["owners"]["*"].update(capabilities=["flying"]),
            "catalogue.owners.*.capabilities",
        ),
        (lambda d: d["owners"]["*"].update(barred="no"), "catalogue.owners.*.barred"),
        (lambda d: d["score_weights"].update(alpha=0.9), "catalogue.score_weights"),
        (lambda d: d["approvals"].update(approvers=[]), "catalogue.approvals.approvers"),
        (
            lambda d: d["approvals"]["risk_gates"].update(dance="high"),
            "catalogue.approvals.risk_gates.dance",
        ),
        (
            lambda d: d["constraints"]["no_direct_write"].update(
                obliges={"id": "decision_rationale", "text": "Other words.", "due": "always"}
            ),
            "catalogue.constraints.no_direct_write.obliges",
        ),
        *(
            (
                lambda d, more=more: d["constraints"]["no_direct_write"].update(
                    obliges={"id": "o", "text": "T.", "due": "before_complete", **more}
                ),
                f"catalogue.constraints.no_direct_write.obliges.{path}",
            )
            for more, path in (
                ({"met_by": "word"}, "met_by"),
                ({"met_by": ["decision"]}, "met_by"),
                ({"metby": "decision"}, "metby"),
                ({"met_by": "approval"}, "met_by"),
                ({"met_by": "decision", "due": "always"}, "met_by"),
                ({"due": "sometime"}, "due"),
            )
        ),
        (
            lambda d: d["constraints"].update(
                writes={
                    "gates": {"point": "data.operate", "kind": "data_mutation"},
                    "obliges": OBLIGES_APPROVAL,
                }
            ),
            "catalogue.constraints.writes.obliges.met_by",
        ),
    ],
)
def test_a_document_that_does_not_hold_together_is_refused_by_path(
    change: Callable[[dict[str, Any]], object], path: str
) -> None:
    with pytest.raises(CatalogueInvalid) as refused:
        read_catalogue(changed(change))
    assert any(v.field.startswith(path) for v in refused.value.violations), refused.value


@pytest.mark.parametrize(
    ("gates", "action"),
    [
        ({"point": "task.complete"}, "complete"),
        ({"point": "task.assign"}, "assign"),
        ({"point": "handoff.initiate"}, "handoff"),
        ({"point": "data.operate", "name": "Publish"}, "publish"),
    ],
)
def test_an_approval_meets_an_obligation_where_it_is_of_what_the_constraint_gates(
    gates: dict[str, str], action: str
) -> None:
    seen = {"gates": gates, "obliges": OBLIGES_APPROVAL}
    found = read_catalogue(changed(lambda d: d["constraints"].update(seen=seen)))
    obliges = found.constraints["seen"].obliges
    assert obliges is not None
    assert (obliges.met_by, obliges.action) == (APPROVAL, action)


def test_the_shipped_obligations_say_what_meets_them() -> None:
    obliges = [one.obliges for one in CATALOGUE.constraints.values() if one.obliges]
    assert {one.id: (one.due, one.met_by, one.action) for one in obliges} == {
        "decision_rationale": ("before_complete", "decision", ""),
        "human_approval_required": ("before_complete", "approval", "complete"),
        "human_approval_required_for_merge": ("always", "", ""),
    }


def test_a_word_that_is_unknown_is_refused_with_those_that_are_known() -> None:
    obliges = {**OBLIGES_APPROVAL, "met_by": "word"}
    with pytest.raises(CatalogueInvalid) as refused:
        read_catalogue(changed(lambda d: d["constraints"].update(seen={"obliges": obliges})))
    (violation,) = refused.value.violations
    assert violation.text == "is none of approval, decision"


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(CatalogueInvalid) as refused:
        read_catalogue({})
    assert len(refused.value.violations) > 15


def test_the_revision_is_the_digest_of_rules_data_and_tests() -> None:
    def revision(modules: dict[str, str], catalogue: Catalogue) -> str:
        return make_bundle(modules, catalogue.document).revision

    modules = dict(BUNDLE.modules)
    assert revision(modules, CATALOGUE) == BUNDLE.revision
    assert BUNDLE.revision.startswith("sha256:")
    tests = next(path for path in modules if path.endswith("_test.rego"))
    assert revision({**modules, tests: modules[tests] + "\n"}, CATALOGUE) != BUNDLE.revision
    assert revision({**modules, "more.rego": "package phoenix.more"}, CATALOGUE) != BUNDLE.revision
    other = read_catalogue(changed(lambda d: d["trust_model"].update(half_life_days=31)))
    assert revision(modules, other) != BUNDLE.revision
    assert tests not in BUNDLE.rules
    assert "decide.rego" in BUNDLE.rules
