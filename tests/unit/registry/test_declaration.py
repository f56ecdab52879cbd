import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.ids import is_identifier
from phoenix_runtime.core.standing import Liveness
from registry_svc.domain.declaration import (
    Claims,
    Declaration,
    ModelEndpoint,
    claims_document,
    declaration_from,
    parse_declaration,
    with_claims,
)

GOOD = Declaration(
    id="agent.customer-steward.001",
    type="agent",
    owner="data-governance",
    status="active",
    trust_score=0.91,
    capabilities=("customer_validation", "policy_check"),
    permissions=("read_customer_master",),
    state_location="phoenix://state/customer-steward-001",
    endpoint="https://agents.example.com/customer-steward",
    metadata={"framework": "langgraph", "data_domains": ["customer"]},
    model_endpoints=(ModelEndpoint(name="model.small", cost=0.5, latency=1.5),),
    liveness=Liveness.LEASED,
)


def violations(**fields: Any) -> dict[str, str]:
    with pytest.raises(FieldInvalid) as refused:
        parse_declaration(replace(GOOD, **fields))
    return {one.field: one.text for one in refused.value.violations}


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth - 1):
        document = {"inner": document}
    return document


def test_the_papers_participant_is_taken_as_it_is() -> None:
    assert parse_declaration(GOOD) == GOOD
    assert GOOD.claimed_domains == ("customer",)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Agent.1",
        "agent 1",
        "agent..1",
        "agent/../1",
        "x" * 129,
        "agent.\u0441teward",  # a Cyrillic look-alike
        "agent\0",
        "agent\u202e1",  # right-to-left override
        "'; DROP TABLE participant; --",
        "\uff41gent",
    ],
)
def test_an_id_that_could_be_mistaken_for_another_is_refused(value: str) -> None:
    assert set(violations(id=value)) == {"participant.id"}
    assert set(violations(owner=value)) == {"participant.owner"}


def test_a_look_alike_is_named_by_its_number() -> None:
    assert "U+0441" in violations(id="agent.\u0441teward")["participant.id"]


@pytest.mark.parametrize("depth", [9, 100_000])
def test_metadata_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    assert set(violations(metadata=nested(depth))) == {"participant.metadata"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"capabilities": [f"c{n}" for n in range(65)]}, "participant.capabilities"),
        ({"capabilities": ["a" * 65]}, "participant.capabilities[0]"),
        ({"capabilities": ["same", "same"]}, "participant.capabilities[1]"),
        ({"permissions": ["Read"]}, "participant.permissions[0]"),
        ({"task_types": ["\u202emerge"]}, "participant.task_types[0]"),
        ({"metadata": {"note": "x" * 16_500}}, "participant.metadata"),
        ({"metadata": {"load": float("nan")}}, "participant.metadata"),
        ({"metadata": {"load": float("inf")}}, "participant.metadata"),
        ({"metadata": {"note": "a\0b"}}, "participant.metadata"),
        ({"metadata": {"a\0b": 1}}, "participant.metadata"),
        ({"metadata": {"data_domains": "customer"}}, "participant.metadata.data_domains"),
        ({"metadata": {"data_domains": [1]}}, "participant.metadata.data_domains"),
        ({"metadata": {"data_domains": ["A"]}}, "participant.metadata.data_domains[0]"),
        ({"trust_score": float("nan")}, "participant.trust_score"),
        ({"trust_score": 1.5}, "participant.trust_score"),
        ({"capacity": 0}, "participant.capacity"),
        ({"capacity": 10_001}, "participant.capacity"),
        ({"cost": -1.0}, "participant.cost"),
        ({"cost": float("inf")}, "participant.cost"),
        ({"endpoint": "javascript:alert(1)"}, "participant.endpoint"),
        ({"endpoint": "file:///etc/passwd"}, "participant.endpoint"),
        ({"state_location": "phoenix://state/../other"}, "participant.state_location"),
        ({"state_location": "phoenix://state/%2E%2e/other"}, "participant.state_location"),
        ({"state_location": "x" * 3000}, "participant.state_location"),
        ({"status": "a\u202eb"}, "participant.status"),
        ({"trust_policy": "No Such"}, "participant.trust_policy"),
        (
            {"model_endpoints": [ModelEndpoint(name="m", cost=float("nan"))]},
            "participant.model_endpoints[0].cost",
        ),
        (
            {"model_endpoints": [ModelEndpoint(name="m"), ModelEndpoint(name="m")]},
            "participant.model_endpoints[1].name",
        ),
        (
            {"model_endpoints": [ModelEndpoint(name="m", data_sensitivity="secret")]},
            "participant.model_endpoints[0].data_sensitivity",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_path(fields: dict[str, Any], named: str) -> None:
    assert set(violations(**fields)) == {named}


def test_eight_levels_and_sixteen_kibibytes_are_taken() -> None:
    assert parse_declaration(replace(GOOD, metadata=nested(8)))
    room = 16 * 1024 - len('{"note":""}')
    assert parse_declaration(replace(GOOD, metadata={"note": "x" * room}))


def test_all_violations_are_named_at_once() -> None:
    found = violations(id="A", type="B", owner="", capacity=-1, cost=-1.0, endpoint="x")
    assert len(found) == 6


@given(st.text(max_size=200))
def test_no_text_at_all_gets_past_as_an_id_unless_it_is_one(value: str) -> None:
    try:
        parse_declaration(replace(GOOD, id=value))
    except FieldInvalid:
        assert not is_identifier(value)
    else:
        assert is_identifier(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=30,
    )
)
def test_no_metadata_raises_anything_but_a_refusal(value: Any) -> None:
    try:
        kept = parse_declaration(replace(GOOD, metadata={"any": value}))
    except FieldInvalid:
        return
    assert declaration_from(json.loads(json.dumps(claims_document(kept)))).metadata == kept.metadata


def test_what_is_written_down_reads_back_the_same() -> None:
    written = json.loads(json.dumps(claims_document(GOOD)))
    assert declaration_from(written).metadata == GOOD.metadata
    assert claims_document(declaration_from(written)) == claims_document(GOOD)


def test_new_claims_end_the_domains_that_the_metadata_named() -> None:
    changed = with_claims(GOOD, Claims(data_domains=("supplier",)))
    assert changed.claimed_domains == ("supplier",)
    assert changed.metadata == {"framework": "langgraph"}
    assert changed.capabilities == ()
    assert changed.capacity == GOOD.capacity


def test_new_claims_are_checked_like_the_first() -> None:
    with pytest.raises(FieldInvalid) as refused:
        with_claims(GOOD, Claims(capabilities=("A", "b", "b"), capacity=0))
    fields = [one.field for one in refused.value.violations]
    assert fields == ["capabilities[0]", "capabilities[2]", "capacity"]


@pytest.mark.parametrize(
    ("kind", "chosen", "expected"),
    [
        ("agent", None, Liveness.LEASED),
        ("tool", None, Liveness.LEASED),
        ("human", None, Liveness.UNLEASED),
        ("data_product", None, Liveness.UNLEASED),
        ("api", None, Liveness.UNLEASED),
        ("api", Liveness.LEASED, Liveness.LEASED),
    ],
)
def test_liveness_is_by_type_unless_it_is_chosen(
    kind: str, chosen: Liveness | None, expected: Liveness
) -> None:
    assert replace(GOOD, type=kind, liveness=chosen).effective_liveness is expected
