"""Documents of events are read as strictly as messages are, and mean the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.api import event_documents
from governance_svc.api.convert_events import event_from_pb, event_to_pb
from governance_svc.api.event_documents import NAMES, event_from_document
from governance_svc.domain.ledger.entries import verified
from phoenix_dma.v1 import audit_pb2
from phoenix_dma.wire.sizes import MESSAGE_BYTES
from phoenix_runtime.chassis.delivery.receivers import document_to_pb
from phoenix_runtime.core.documents import HashedEvent, with_content
from phoenix_runtime.core.errors import FieldInvalid, TooLarge
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import Json, canonical
from tests.support.builders.audit_events import audit_event

FIELD = "documents[0]"
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    # A negative zero is zero in canonical JSON; a message alone could carry it.
    st.floats(allow_nan=False, allow_infinity=False).map(lambda one: one + 0.0),
    st.text(),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
objects = st.dictionaries(st.text(max_size=5), values, max_size=3)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
EVENT = audit_event("t1", detail={"list": [1, 2.5, None], "of": {"a": True}}, task="t")


def read(content: str) -> HashedEvent:
    document = audit_pb2.EventDocument(content=content, leaf_hash=EVENT.leaf_hash)
    return event_from_document(document, FIELD)


def changed(**fields: Any) -> str:
    """The content of `EVENT` with other fields; one that is given as ... is left out."""
    document = json.loads(with_content(EVENT).content) | fields
    return canonical({name: one for name, one in document.items() if one is not ...}).decode()


@given(texts, st.lists(texts), objects, objects)
def test_a_document_means_the_event_that_its_message_means(
    text: str, references: list[str], decision: dict[str, Json], detail: dict[str, Json]
) -> None:
    event = audit_event(
        "t1",
        actor=text,
        input_references=tuple(references),
        policy_decision=decision,
        detail=detail,
    )
    hashed = event_from_document(document_to_pb(with_content(event)), FIELD)
    message = event_to_pb(event)
    assert event_to_pb(hashed.event) == message
    assert verified(hashed).document == with_content(event_from_pb(message)).content


def test_the_hash_is_not_compared_before_everything_else_is_known() -> None:
    forged = replace(EVENT, leaf_hash="sha256:0")
    assert event_from_document(document_to_pb(with_content(forged)), FIELD).event == forged


@pytest.mark.parametrize(
    ("content", "field"),
    [
        pytest.param(lambda: " " + changed(), "", id="a space"),
        pytest.param(lambda: json.dumps(json.loads(changed())), "", id="not canonical"),
        pytest.param(
            lambda: changed().replace('"actor":', '"actor":"x","actor":'), "", id="a name twice"
        ),
        pytest.param(lambda: changed().replace("2.5", "2.50"), "", id="another spelling"),
        pytest.param(lambda: changed().replace("2.5", "NaN"), "", id="NaN"),
        pytest.param(lambda: changed().replace("2.5", "1e999"), "", id="an infinity"),
        pytest.param(lambda: changed().replace("2.5", "9007199254740993"), "", id="no double"),
        pytest.param(lambda: changed(actor="x").replace("x", "\\ud800"), "", id="a surrogate"),
        pytest.param(lambda: "[]", "", id="an array"),
        pytest.param(lambda: "7", "", id="a number"),
        pytest.param(lambda: '{"a":1}', ".actor", id="another object"),
        pytest.param(lambda: changed(sequence=1), "", id="an unknown field"),
        pytest.param(lambda: changed(leaf_hash="sha256:0"), "", id="its hash inside"),
        pytest.param(lambda: changed(actor=None), ".actor", id="null for a text"),
        pytest.param(lambda: changed(aggregate_version="1"), ".aggregate_version", id="a text"),
        pytest.param(lambda: changed(aggregate_version=True), ".aggregate_version", id="a bool"),
        pytest.param(lambda: changed(aggregate_version=1.5), ".aggregate_version", id="a half"),
        pytest.param(lambda: changed(aggregate_version=1e30), ".aggregate_version", id="too much"),
        pytest.param(lambda: changed(event_version=1 << 31), ".event_version", id="33 bits"),
        pytest.param(lambda: changed(detail=[]), ".detail", id="an array for an object"),
        pytest.param(lambda: changed(input_references={}), ".input_references", id="an object"),
        pytest.param(lambda: changed(input_references=[1]), ".input_references", id="no texts"),
        pytest.param(lambda: changed(actor="a\0"), ".actor", id="U+0000"),
        pytest.param(
            lambda: changed(output_references=["a", "\0"]), ".output_references[1]", id="another"
        ),
        pytest.param(lambda: changed(timestamp="2026-01-31T12:00:00Z"), ".timestamp", id="seconds"),
        pytest.param(
            lambda: changed(timestamp="9999-12-31T00:00:00.000000Z"), ".timestamp", id="late"
        ),
        pytest.param(
            lambda: changed(timestamp="0000-12-31T00:00:00.000000Z"), ".timestamp", id="early"
        ),
        *(
            pytest.param(lambda name=name: changed(**{name: ...}), f".{name}", id=f"no {name}")
            for name in NAMES
        ),
    ],
)
def test_what_is_no_event_is_refused(content: Callable[[], str], field: str) -> None:
    with pytest.raises(FieldInvalid) as caught:
        read(content())
    assert f"{FIELD}.content{field}" in [one.field for one in caught.value.violations]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_the_first_and_the_last_moment_are_times(moment: datetime) -> None:
    event = audit_event("t1", timestamp=moment)
    assert event_from_document(document_to_pb(with_content(event)), FIELD).event == event


def nested(levels: int, wrap: Callable[[Json], Json]) -> AuditEvent:
    value: Json = "the end"
    for _ in range(levels):
        value = wrap(value)
    return audit_event("t1", detail={"a": value})


@pytest.mark.parametrize(
    "wrap", [lambda one: {"a": one}, lambda one: [one]], ids=["objects", "arrays"]
)
def test_a_document_is_nested_as_deep_as_a_message_and_no_deeper(
    wrap: Callable[[Json], Json],
) -> None:
    held = []
    for levels in range(20, 60):
        event = nested(levels, wrap)
        document = document_to_pb(with_content(event))
        try:
            request = audit_pb2.AppendAuditEventsRequest(events=[event_to_pb(event)])
            audit_pb2.AppendAuditEventsRequest.FromString(request.SerializeToString())
        except DecodeError:
            with pytest.raises(FieldInvalid, match="too deeply"):
                event_from_document(document, FIELD)
        else:
            assert event_from_document(document, FIELD).event == event
            held.append(levels)
    assert 0 < len(held) < 40


@pytest.mark.parametrize("levels", [200, 400, 900])
def test_a_document_without_an_end_is_refused(levels: int) -> None:
    deep = changed(detail={"a": 7}).replace("7", "[" * levels + "]" * levels)
    with pytest.raises(FieldInvalid):
        read(deep)


def test_a_document_is_refused_where_no_answer_could_hold_its_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A digit takes two bytes in a document and eleven in a message; here in a thousandth."""
    monkeypatch.setattr(event_documents, "LARGEST", MESSAGE_BYTES // 1000)
    monkeypatch.setattr(event_documents, "SMALL", MESSAGE_BYTES // 6000)
    held = audit_event("t1", detail={"a": "x" * (MESSAGE_BYTES // 2000)})
    assert event_from_document(document_to_pb(with_content(held)), FIELD).event == held
    with pytest.raises(TooLarge, match="event"):
        read(changed(detail={"a": [0] * (MESSAGE_BYTES // 11_000)}))
