"""Documents of audit events: times have one form, and a hash is that of its event's document."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.documents import (
    EVENT_FIELDS,
    event_document,
    event_of,
    hashed_event,
    time_of,
    time_text,
    with_content,
)
from phoenix_runtime.core.events import leaf
from phoenix_runtime.core.json import bytes_hash, parsed
from tests.support.builders.audit_events import audit_event

MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS)
def test_a_time_is_read_as_it_was_written(moment: datetime) -> None:
    text = time_text(moment)
    assert text == moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert time_of(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.000000+00:00",
        "2026-01-31 12:00:00.000000Z",
        "2026-W05-6T12:00:00.000000Z",
        "2026-02-30T12:00:00.000000Z",
        "",
    ],
)
def test_a_time_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of the standard library or ours
        time_of(text)


def test_an_event_is_made_with_the_content_that_its_hash_is_of() -> None:
    made = audit_event("t1", detail={"list": [1, 2.5], "of": {"a": None}})
    values: dict[str, Any] = {name: getattr(made, name) for name in EVENT_FIELDS}
    del values["leaf_hash"]
    hashed = hashed_event(values)
    assert hashed == with_content(made)
    document = event_document(made)
    assert bytes_hash(hashed.content.encode()) == leaf(document) == hashed.event.leaf_hash
    assert parsed(hashed.document) == document
    assert event_of(document) == hashed.event
