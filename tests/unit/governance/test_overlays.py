"""An overlay adds words to the shipped catalogue and rules beside the shipped ones."""

import json

import pytest

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.domain.catalogue.document import CatalogueInvalid
from governance_svc.domain.policy.bundle import BundleRefused
from governance_svc.domain.policy.overlay import (
    CATALOGUE,
    MAX_FILES,
    Overlay,
    compose,
    read_overlay,
    replaced,
)
from phoenix_dma.policy_files import TEMPLATE


def overlay(**catalogue: object) -> Overlay:
    """An overlay of words alone."""
    return read_overlay({CATALOGUE: json.dumps(catalogue)})


def test_words_are_added_and_the_shipped_ones_stay() -> None:
    base = shipped_bundle()
    bundle = compose(base, overlay(domains={"payments": {}}, participant_types=["robot"]))
    assert set(bundle.catalogue.domains) == {*base.catalogue.domains, "payments"}
    assert bundle.catalogue.participant_types == (*base.catalogue.participant_types, "robot")
    assert bundle.revision != base.revision
    assert bundle.checked == {}


def test_what_takes_the_place_of_a_shipped_entry_is_named() -> None:
    more = overlay(capabilities={"policy_check": {"risk": "high"}, "new": {"risk": "low"}})
    assert replaced(shipped_bundle(), more) == ("capabilities.policy_check.risk",)


def test_words_that_do_not_fit_are_refused() -> None:
    more = overlay(permissions={"p": {"actions": ["read"], "domains": ["nowhere"]}})
    with pytest.raises(CatalogueInvalid, match="nowhere"):
        compose(shipped_bundle(), more)


def test_the_rules_stand_beside_the_shipped_ones_and_alone_are_checked() -> None:
    base = shipped_bundle()
    bundle = compose(base, read_overlay(TEMPLATE))
    assert set(bundle.checked) == {"own/rules/payments.rego", "own/tests/payments_test.rego"}
    assert set(bundle.rules) == {*base.rules, "own/rules/payments.rego"}
    assert replaced(base, read_overlay(TEMPLATE)) == ()


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"rules.txt": "x"},
        {"../rules.rego": "x"},
        {"/rules.rego": "x"},
        {CATALOGUE: "[]"},
        {CATALOGUE: '{"a": 1, "a": 2}'},
        {f"{n}.rego": "" for n in range(MAX_FILES + 1)},
        {"large.rego": "#" * 2_000_000},
    ],
)
def test_what_is_no_overlay_is_refused(files: dict[str, str]) -> None:
    with pytest.raises(BundleRefused):
        read_overlay(files)


def test_the_same_files_have_the_same_revision() -> None:
    assert read_overlay(TEMPLATE).revision == read_overlay(dict(TEMPLATE)).revision
