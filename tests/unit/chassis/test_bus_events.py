"""Which audit events become bus events, and how these look on the wire."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.chassis.delivery.bus_events import BusEvent, bus_event_of, decode, encode
from phoenix_runtime.core.events import AuditEventType
from tests.support.builders.audit_events import audit_event

words = st.text(max_size=20)
moments = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    st.builds(
        BusEvent,
        tenant=st.just("t1"),
        type=st.just("FAILED"),
        event_id=st.just("event.1"),
        time=moments,
        service=st.just("registry"),
        participant=words,
        task=words,
        aggregate=st.just("task/1"),
        state=words,
    )
)
def test_a_bus_event_survives_the_wire(bus_event: BusEvent) -> None:
    assert decode(encode(bus_event)) == bus_event


def test_a_bus_event_is_a_cloud_event() -> None:
    bus_event = bus_event_of(
        audit_event("t1", type="PARTICIPANT_FAILED", participant="p1", service="registry")
    )
    assert bus_event is not None
    document = json.loads(encode(bus_event))
    assert document["specversion"] == "1.0"
    assert document["type"] == "phoenix_dma.FAILED"
    assert document["source"] == "/phoenix-dma/registry"
    assert document["tenant"] == "t1"
    assert document["data"]["participant"] == "p1"


def test_what_the_events_table_gives_no_bus_event_has_none() -> None:
    silent = {
        kind for kind in AuditEventType if bus_event_of(audit_event("t1", type=kind.value)) is None
    }
    assert AuditEventType.ACCESS_REFUSED in silent
    assert AuditEventType.DISCOVERY_COMPLETED in silent
    assert AuditEventType.HANDOFF_COMPLETED not in silent


def test_health_is_told_by_the_state_that_was_reached() -> None:
    bus_event = bus_event_of(audit_event("t1", type="PARTICIPANT_HEALTH", new_state="degraded"))
    assert bus_event is not None
    assert bus_event.type == "DEGRADED"
