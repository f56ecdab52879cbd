"""What policy sees of content: within bounds, and without what the catalogue marks as secret."""

from typing import Any

import pytest

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.catalogue.document import CatalogueInvalid, read_catalogue
from governance_svc.domain.policy.input_reads.report import InputReads
from governance_svc.domain.policy.visible_content import hidden_paths, visible
from phoenix_runtime.core.json import canonical, content_hash
from phoenix_runtime.core.policy_inputs.bounded import LARGEST_CONTENT
from phoenix_runtime.core.policy_inputs.points import CONTENT, INPUTS
from phoenix_runtime.core.policy_inputs.shapes import Sort, find
from phoenix_runtime.core.verdict import DecisionPoint

PAYMENT = {"amount": 12000, "payee": {"iban": "DE02", "name": "Ann"}, "lines": [{"iban": "x"}]}


def catalogue(*secrets: dict[str, Any]) -> Catalogue:
    """The shipped catalogue with these marks."""
    return read_catalogue({**shipped_bundle().data, "secrets": list(secrets)})


def operation(subject: Any = PAYMENT, **more: Any) -> dict[str, Any]:
    """The part of an input of `data.operate` that says what content belongs to."""
    task = {"data_domains": ["customer"]}
    return {"kind": "data_mutation", "name": "pay", "subject": subject, "task": task, **more}


def shown(marks: Catalogue, **more: Any) -> Any:
    """The subject of an operation as policy sees it."""
    return visible(DecisionPoint.OPERATE, operation(**more), marks)["subject"]


def test_content_is_shown_whole_where_nothing_is_secret_and_it_fits() -> None:
    seen = visible(DecisionPoint.OPERATE, operation(), catalogue())
    assert seen["subject"] == PAYMENT
    assert seen["hidden"] == []


def test_a_secret_field_is_replaced_by_its_hash_at_any_depth() -> None:
    seen: Any = visible(DecisionPoint.OPERATE, operation(), catalogue({"fields": ["iban"]}))
    assert seen["subject"]["amount"] == 12000
    assert seen["subject"]["payee"]["iban"]["hash"] == content_hash("DE02")
    assert "DE02" not in str(seen)
    assert [one["path"] for one in seen["hidden"]] == ["subject.payee.iban", "subject.lines[].iban"]


@pytest.mark.parametrize(
    ("mark", "hides"),
    [
        ({"fields": ["payee.iban"]}, True),
        ({"fields": ["iban"], "kind": "data_mutation"}, True),
        ({"fields": ["iban"], "kind": "data_read"}, False),
        ({"fields": ["iban"], "name": "pay"}, True),
        ({"fields": ["iban"], "name": "merge"}, False),
        ({"fields": ["iban"], "domain": "customer_master"}, True),
        ({"fields": ["iban"], "domain": "supplier"}, False),
        ({"domain": "customer_contact"}, True),
    ],
)
def test_a_mark_is_limited_by_kind_name_and_domain(mark: dict[str, Any], *, hides: bool) -> None:
    assert ("DE02" not in str(shown(catalogue(mark)))) is hides


def test_the_operations_own_domain_counts_where_it_names_one() -> None:
    mark = catalogue({"domain": "customer_contact"})
    assert shown(mark, domain="customer_master") == PAYMENT
    assert shown(mark, domain="customer_contact")["hidden"] == "secret"


def test_content_that_is_too_large_loses_its_largest_fields_and_says_so() -> None:
    result = {"amount": 12000, "records": ["x" * 1000] * 100}
    policy_input = {"result": result, "task": {"data_domains": []}}
    seen: Any = visible(DecisionPoint.COMPLETE, policy_input, catalogue())
    assert seen["result"]["amount"] == 12000
    assert seen["result"]["records"]["hash"] == content_hash(result["records"])
    assert seen["hidden"] == [
        {"path": "result.records", "steps": ["result", "records"], "because": "too_large"}
    ]
    many = {"result": {f"k{n}": "x" * 20 for n in range(20_000)}, "task": {"data_domains": []}}
    seen = visible(DecisionPoint.COMPLETE, many, catalogue())
    assert len(canonical(seen)) < 3 * LARGEST_CONTENT
    assert hidden_paths(seen) == (("result",),)


@pytest.mark.parametrize(
    ("read", "needs"),
    [
        (("subject", "amount"), False),
        (("subject", "payee", "name"), False),
        (("subject", "payee", "iban"), True),
        (("subject", "payee", "iban", "country"), True),
        (("subject", "payee", "iban", "hash"), False),
        (("subject", "payee"), True),
        (("subject",), True),
        (("subject", "()"), False),
        (("subject", "payee", "iban", "()"), True),
        ((), True),
        (("subject", "[]", "iban"), True),
        (("task", "objective"), False),
    ],
)
def test_a_rule_needs_what_is_hidden_at_above_or_below_what_it_reads(
    read: tuple[str, ...], *, needs: bool
) -> None:
    reads = InputReads(paths={DecisionPoint.OPERATE: frozenset({read})})
    hidden = (("subject", "payee", "iban"),)
    assert bool(reads.hidden_from(DecisionPoint.OPERATE, hidden)) is needs
    assert reads.hidden_from(DecisionPoint.COMPLETE, hidden) == ()


def test_a_field_with_a_dot_in_its_name_is_hidden_under_that_name() -> None:
    seen = visible(
        DecisionPoint.OPERATE, operation({"a.b": "x" * LARGEST_CONTENT, "c": 1}), catalogue()
    )
    assert hidden_paths(seen) == (("subject", "a.b"),)


@pytest.mark.parametrize(
    "mark", [{}, {"field": ["iban"]}, {"domain": "nowhere"}, {"kind": "dance"}, {"fields": [1]}]
)
def test_a_mark_that_means_nothing_is_refused(mark: dict[str, Any]) -> None:
    with pytest.raises(CatalogueInvalid, match="secrets"):
        catalogue(mark)


def test_content_is_where_the_inputs_say_it_is() -> None:
    for point, paths in CONTENT.items():
        for path in paths:
            found = find(INPUTS[point], path)
            assert found is not None
            assert found.sort is Sort.CONTENT
        assert "hidden" in INPUTS[point].fields
