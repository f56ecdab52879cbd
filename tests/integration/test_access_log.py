"""A credential used for something else is written down, at most a few times a minute."""

import json
from typing import Any

from sqlalchemy import select

from phoenix_runtime.chassis.data.access_log import EVENTS_A_MINUTE, OutboxAccessLog
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from tests.support.assertions.metrics import counted
from tests.support.builders.calls import call_of
from tests.support.sample.notes import note_units
from tests.support.sample.store.tables import outbox
from tests.support.servers.postgres import DatabaseFor


async def written(database: Database, tenant: str) -> list[dict[str, Any]]:
    async with database.reading(tenant) as connection:
        query = select(outbox.c.document).order_by(outbox.c.event_id)
        return [json.loads(row["document"]) for row in await connection.fetch(query)]


async def test_a_storm_of_refusals_is_a_few_events_and_a_count(
    database_for: DatabaseFor, tenant: str, clock: ManualClock
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    access = OutboxAccessLog(units, clock=clock, new_id=new_id)
    call = call_of("participant", tenant=tenant, participant="p1")
    before = counted("phoenix_dma_access_refused_total", reason="credential_misused")
    for _ in range(10):
        await access.refused(call, "GetContext", {"participant": "p2"})
    await access.refused(call_of("participant", tenant=tenant, participant="p3"), "GetTask", {})
    clock.advance(61)
    await access.refused(call, "GetContext", {"participant": "p2"})
    events = await written(database, tenant)
    assert {event["type"] for event in events} == {"ACCESS_REFUSED"}
    counts = [(event["actor"], event["detail"]["count"]) for event in events]
    unwritten = 10 - EVENTS_A_MINUTE
    assert counts == [*[("p1", 1)] * EVENTS_A_MINUTE, ("p3", 1), ("p1", unwritten + 1)]
    assert events[0]["detail"] == {
        "attempted": "GetContext",
        "count": 1,
        "facts": {"participant": "p2"},
    }
    after = counted("phoenix_dma_access_refused_total", reason="credential_misused")
    assert after - before == 12, "the metric leaves none out"
