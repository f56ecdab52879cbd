"""A batch is carried with what inputs share once, and verdicts that several share come back so."""

from typing import Any

import pytest

from governance_svc.adapters.policy_engines.carried_batch import carried, put_together
from phoenix_runtime.core.verdict import DecisionPoint

NAME = "x" * 100
CALLER = {"subject": "sam"}
REQUIREMENT = {"required_capabilities": ["a"]}


def candidate(number: int, total: Any = 0.5, **grants: Any) -> dict[str, Any]:
    """An input of a discovery."""
    return {
        "caller": CALLER,
        "requirement": REQUIREMENT,
        "candidate": {
            "id": f"agent.{number}",
            "capabilities": ["a"],
            "generation": number,
            **grants,
        },
        "trust": {"general": 0.6, "by_capability": {"a": {"total": total, "certified": True}}},
    }


def places(document: Any) -> list[list[int]]:
    """The places of the groups in a document, and last of those that are in none."""
    return [*(group["at"] for group in document["groups"]), document["at"]]


def test_one_input_is_carried_as_it_is() -> None:
    one = candidate(1)
    document = carried(DecisionPoint.DISCOVER, [one])
    assert document == {"point": "participant.discover", "inputs": [one]}


def test_what_all_inputs_have_in_common_stands_once_and_null_is_not_absent() -> None:
    assert carried(DecisionPoint.RETIRE, [{"a": NAME, "b": None}, {"a": NAME}]) == {
        "point": "participant.retire",
        "common": {"a": NAME},
        "inputs": [{"b": None}, {}],
        "at": [0, 1],
        "groups": [],
    }
    alike: Any = carried(DecisionPoint.RETIRE, [{"a": [1]}, {"a": [True]}])
    assert alike["common"] == {}


def test_candidates_with_the_same_grants_and_certificates_stand_in_one_group() -> None:
    other = candidate(2, capabilities=["b"])
    document: Any = carried(DecisionPoint.DISCOVER, [candidate(0), other, candidate(3, 1)])
    assert document["common"] == {"caller": CALLER, "requirement": REQUIREMENT}
    assert document["inputs"] == [{"candidate": other["candidate"], "trust": other["trust"]}]
    assert document["at"] == [1]
    assert document["groups"] == [
        {
            "alike": {
                "candidate": {"capabilities": ["a"]},
                "trust": {"by_capability": {"a": {"certified": True}}},
            },
            "candidates": {"id": ["agent.0", "agent.3"], "generation": [0, 3]},
            "general": [0.6, 0.6],
            "capabilities": ["a"],
            "totals": [[0.5], [1]],
            "at": [0, 2],
        }
    ]


@pytest.mark.parametrize(
    "odd",
    [
        {"candidate": None},
        {"candidate": {"capabilities": ["a"]}},
        {"candidate": {"id": 5, "capabilities": ["a"]}},
        {"candidate": {"id": "agent.1", "capabilities": ["a"], "cost": 2**70}},
        {"trust": None},
        {"trust": {"by_capability": {"a": {"total": 0.5}}}},
        {"trust": {"general": 0.5, "by_capability": None}},
        {"trust": {"general": 0.5, "by_capability": {"a": 0.5}}},
        {"trust": {"general": 0.5, "by_capability": {"a": {"total": True}}}},
        {"trust": {"general": 0.5, "by_capability": {"a": {"total": "0.9"}}}},
        {"trust": {"general": 0.5, "by_capability": {"a": {"certified": True}}}},
    ],
)
def test_an_input_that_is_no_ordinary_one_stands_in_no_group(odd: dict[str, Any]) -> None:
    strange = {**candidate(1), **odd}
    batch = [strange, candidate(2), strange, candidate(3)]
    document: Any = carried(DecisionPoint.DISCOVER, batch)
    assert places(document) == [[1, 3], [0, 2]]


def test_another_requirement_is_another_group() -> None:
    batch = [candidate(number) for number in range(4)]
    batch[1]["requirement"] = batch[3]["requirement"] = {"required_capabilities": ["b"]}
    document: Any = carried(DecisionPoint.DISCOVER, batch)
    assert places(document) == [[0, 2], [1, 3], []]


def test_numbers_and_truth_values_are_not_alike() -> None:
    batch = [candidate(number, cost=cost) for number, cost in enumerate([1, True, 1, 1.0])]
    assert places(carried(DecisionPoint.DISCOVER, batch)) == [[0, 2], [1, 3]]


def test_a_shared_verdict_is_told_to_each_with_its_own_id_and_trust() -> None:
    batch = [candidate(number) for number in range(4)]
    allow = {"effect": "allow", "reasons": [{"rule": "eligible", "text": "Yes."}]}
    parts = {"rule": "active", "parts": ["", " is away, ", "."]}
    doubt = {"rule": "trust_ok", "parts": ["Trust ", " is low."], "with": ["0.4"]}
    shared = [
        {"verdict": allow, "at": [3, 0], "own": {"trust": [0.7, 0.6]}},
        {"verdict": {"effect": "deny", "reasons": [parts, doubt]}, "at": [1], "own": {}},
        {"verdict": "whatever it is", "at": [2]},
    ]
    refusals = [
        {"rule": "active", "text": "agent.1 is away, agent.1."},
        {"rule": "trust_ok", "text": "Trust 0.4 is low."},
    ]
    assert put_together(shared, batch) == [
        {**allow, "trust": 0.6},
        {"effect": "deny", "reasons": refusals},
        "whatever it is",
        {**allow, "trust": 0.7},
    ]


@pytest.mark.parametrize(
    "shared",
    [
        None,
        True,
        5,
        {},
        [],
        [None],
        [{"at": [0, 1]}],
        [{"verdict": {}, "at": [0]}],
        [{"verdict": {}, "at": 1}],
        [{"verdict": {}, "at": [0, 1], "own": {}}],
        [{"verdict": {"reasons": 1}, "at": [0, 1], "own": {}}],
        [{"verdict": {"reasons": []}, "at": [0, 1], "own": {"trust": [1]}}],
        [{"verdict": {"reasons": [{"parts": ["a"]}]}, "at": [0, 1], "own": {}}],
        [{"verdict": {"reasons": [{"rule": "r", "parts": [1, 2]}]}, "at": [0, 1], "own": {}}],
        [{"verdict": {"reasons": []}, "at": [0, 2], "own": {}}],
        [{"verdict": {}, "at": [[], 0, 1]}],
    ],
)
def test_nonsense_is_no_verdict(shared: Any) -> None:
    assert put_together(shared, [candidate(0), candidate(1)]) is None
