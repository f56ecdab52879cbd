"""The ledger on a real PostgreSQL: gapless, idempotent, chained, readable."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text

from governance_svc.domain.ledger.entries import Appended, AuditFilter, Entry, verified
from governance_svc.domain.ledger.lineage import Family
from governance_svc.store.ledger_writer import GroupCommitLedger
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.chain import Head
from phoenix_runtime.core.documents import event_document, with_content
from phoenix_runtime.core.errors import AlreadyExists, FieldInvalid
from phoenix_runtime.core.events import AuditEvent, leaf
from phoenix_runtime.core.pages import page_request
from tests.integration.governance.units import reading
from tests.support.builders.audit_events import NOON, audit_event
from tests.support.servers.postgres import DatabaseFor, PostgresServer
from tests.support.servers.tampering import tamper


async def test_events_appended_at_once_by_many_lie_gapless_in_one_chain(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("governance")
    ledger, other_writer = GroupCommitLedger(database), GroupCommitLedger(database)
    events = [audit_event(tenant) for _ in range(300)]
    # Two writers, as two replicas would be: they fence each other by the head.
    await asyncio.gather(
        *(_append((ledger, other_writer)[i % 2], tenant, [event]) for i, event in enumerate(events))
    )
    entries = await _all(database, tenant)
    assert [entry.sequence for entry in entries] == list(range(1, 301))
    assert {entry.event.event_id for entry in entries} == {event.event_id for event in events}
    async with reading(database, tenant) as unit:
        assert await unit.verify_ledger() == ()


async def test_an_event_delivered_twice_is_there_once(
    database_for: DatabaseFor, tenant: str
) -> None:
    ledger = GroupCommitLedger(await database_for("governance"))
    first, second = audit_event(tenant), audit_event(tenant)
    assert await _append(ledger, tenant, [first]) == Appended(1, 1)
    assert await _append(ledger, tenant, [first, second, second]) == Appended(1, 2)
    assert await _append(ledger, tenant, [second]) == Appended(0, 2)


async def test_the_same_event_brought_by_many_at_once_is_there_once(
    database_for: DatabaseFor, tenant: str
) -> None:
    ledger = GroupCommitLedger(await database_for("governance"))
    event = audit_event(tenant)
    answers = await asyncio.gather(*(_append(ledger, tenant, [event]) for _ in range(20)))
    assert sum(answer.appended for answer in answers) == 1
    assert {answer.last_sequence for answer in answers} == {1}


async def test_a_second_event_of_the_same_aggregate_version_is_refused_and_nobody_else(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("governance")
    ledger = GroupCommitLedger(database)
    first = audit_event(tenant, aggregate="task/t")
    usurper = audit_event(tenant, aggregate="task/t")
    innocent = audit_event(tenant)
    await _append(ledger, tenant, [first])
    refused, kept = await asyncio.gather(
        _append(ledger, tenant, [audit_event(tenant), usurper]),
        _append(ledger, tenant, [innocent]),
        return_exceptions=True,
    )
    assert isinstance(refused, AlreadyExists)
    assert kept == Appended(1, 2)
    found = await _all(database, tenant)
    assert [entry.event.event_id for entry in found] == [first.event_id, innocent.event_id]


async def test_an_event_that_is_not_what_the_ledger_holds_under_its_id_is_refused(
    database_for: DatabaseFor, tenant: str
) -> None:
    ledger = GroupCommitLedger(await database_for("governance"))
    event = audit_event(tenant)
    await _append(ledger, tenant, [event])
    with pytest.raises(AlreadyExists):
        await _append(
            ledger, tenant, [audit_event(tenant, event_id=event.event_id, actor="forger")]
        )


async def test_late_events_of_an_aggregate_are_taken_in_any_order(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("governance")
    ledger = GroupCommitLedger(database)
    second = audit_event(tenant, aggregate="task/t", aggregate_version=2)
    first = audit_event(tenant, aggregate="task/t", aggregate_version=1)
    await _append(ledger, tenant, [second])
    await _append(ledger, tenant, [first])
    family = Family("t", "somebody", ("t",), "audit.corr.test")
    async with reading(database, tenant) as unit:
        page = await unit.lineage(family, page_request(10, "", {}))
    assert [entry.event.aggregate_version for entry in page.items] == [1, 2]


async def test_an_event_reads_back_as_it_was_written(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("governance")
    event = audit_event(
        tenant,
        detail={"text": "süß\u0000\u2028", "share": 0.1, "huge": 1e300, "list": [1, None, True]},
        policy_decision={"decision_id": "opa.dec.1", "effect": "allow"},
        timestamp=NOON + timedelta(microseconds=7),
    )
    await _append(GroupCommitLedger(database), tenant, [event])
    async with reading(database, tenant) as unit:
        (entry,) = await unit.entries_by_decision("opa.dec.1")
    assert entry.event == event


async def test_a_number_beyond_2_to_the_53_does_not_look_tampered_with(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("governance")
    # RFC 8785 writes it 1152921504606847000, which no double carries exactly.
    event = audit_event(tenant, detail={"seen": 2.0**60})
    await _append(GroupCommitLedger(database), tenant, [event])
    (entry,) = await _all(database, tenant)
    assert leaf(event_document(entry.event)) == entry.event.leaf_hash


FORGED = "SET document = replace(document, 'somebody', 'nobody')"
SWAPPED = (
    "SET document = o.document, leaf_hash = o.leaf_hash FROM governance.ledger_events AS o"
    " WHERE o.tenant = e.tenant AND o.sequence = 5 - e.sequence AND e.sequence > 1"
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (f"UPDATE governance.ledger_events AS e {FORGED} WHERE e.sequence = 2", "leaf"),
        ("UPDATE governance.ledger_events AS e SET leaf_hash = 'x' WHERE e.sequence = 2", "leaf"),
        (f"UPDATE governance.ledger_events AS e {SWAPPED}", "chain hash"),
        ("DELETE FROM governance.ledger_events AS e WHERE e.sequence = 2", "followed by"),
        ("DELETE FROM governance.ledger_events AS e WHERE e.sequence = 3", "ends at 2"),
        ("DELETE FROM governance.ledger_events AS e WHERE e.sequence > 0", "ends at 0"),
    ],
)
async def test_tampering_is_found_by_recomputing_the_chain(
    database_for: DatabaseFor, postgres: PostgresServer, tenant: str, change: str, says: str
) -> None:
    database = await database_for("governance")
    await _append(GroupCommitLedger(database), tenant, [audit_event(tenant) for _ in range(3)])
    await tamper(postgres, tenant, change)
    async with reading(database, tenant) as unit:
        faults = await unit.verify_ledger()
    assert faults
    assert says in faults[0].text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE governance.ledger_events SET actor = 'x'",
        "UPDATE governance.ledger_events SET document = 'x'",
        "DELETE FROM governance.ledger_events",
        "TRUNCATE governance.ledger_events",
    ],
)
async def test_the_service_itself_cannot_change_what_was_written(
    database_for: DatabaseFor, tenant: str, statement: str
) -> None:
    database = await database_for("governance")
    with pytest.raises(asyncpg.PostgresError, match=r"permission denied|does not exist"):
        async with database.transaction(tenant) as connection:
            await connection.run(text(statement))


async def test_pages_follow_each_other_while_the_ledger_grows(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("governance")
    ledger = GroupCommitLedger(database)
    await _append(ledger, tenant, [audit_event(tenant, task="t") for _ in range(5)])
    wanted = AuditFilter(task="t")
    async with reading(database, tenant) as unit:
        first = await unit.list_entries(wanted, page_request(3, "", wanted.document()))
    await _append(ledger, tenant, [audit_event(tenant, task="t")])
    token = first.next_token
    async with reading(database, tenant) as unit:
        second = await unit.list_entries(wanted, page_request(3, token, wanted.document()))
    found = [entry.sequence for entry in (*first.items, *second.items)]
    assert found == [1, 2, 3, 4, 5, 6]
    assert second.next_token == ""
    with pytest.raises(FieldInvalid, match="other filters"):
        page_request(3, token, AuditFilter(task="u").document())


async def test_every_filter_finds_its_own(database_for: DatabaseFor, tenant: str) -> None:
    database = await database_for("governance")
    ledger = GroupCommitLedger(database)
    events = {
        "participant": audit_event(tenant, participant="p"),
        "task": audit_event(tenant, task="t"),
        "types": audit_event(tenant, type="TASK_FAILED"),
        "policy_decision": audit_event(tenant, policy_decision={"decision_id": "opa.dec.7"}),
        "handoff": audit_event(tenant, handoff="h"),
        "correlation_id": audit_event(tenant, correlation_id="c"),
        "since": audit_event(tenant, timestamp=NOON + timedelta(hours=2)),
        "until": audit_event(tenant, timestamp=NOON - timedelta(hours=2)),
    }
    wanted = {
        "participant": AuditFilter(participant="p"),
        "task": AuditFilter(task="t"),
        "types": AuditFilter(types=("TASK_FAILED", "TASK_CANCELLED")),
        "policy_decision": AuditFilter(policy_decision="opa.dec.7"),
        "handoff": AuditFilter(handoff="h"),
        "correlation_id": AuditFilter(correlation_id="c"),
        "since": AuditFilter(since=NOON + timedelta(hours=2)),
        "until": AuditFilter(until=NOON),
    }
    await _append(ledger, tenant, list(events.values()))
    for name, event in events.items():
        async with reading(database, tenant) as unit:
            page = await unit.list_entries(wanted[name], page_request(0, "", {}))
        assert [entry.event.event_id for entry in page.items] == [event.event_id], name


async def test_a_tenant_sees_its_own_ledger_alone(database_for: DatabaseFor, tenant: str) -> None:
    database = await database_for("governance")
    ledger = GroupCommitLedger(database)
    await _append(ledger, tenant, [audit_event(tenant)])
    other = new_id("tenant")
    async with reading(database, other) as unit:
        assert (await unit.list_entries(AuditFilter(), page_request(0, "", {}))).items == ()
        assert await unit.ledger_head() == Head()
    await _append(ledger, other, [audit_event(other)])
    async with reading(database, other) as unit:
        assert (await unit.ledger_head()).sequence == 1


async def test_a_writer_that_was_overtaken_looks_again(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("governance")
    slow, quick = GroupCommitLedger(database), GroupCommitLedger(database)
    await _append(slow, tenant, [audit_event(tenant)])
    await _append(quick, tenant, [audit_event(tenant)])
    assert await _append(slow, tenant, [audit_event(tenant)]) == Appended(1, 3)
    async with reading(database, tenant) as unit:
        assert await unit.verify_ledger() == ()


async def _append(ledger: GroupCommitLedger, tenant: str, events: Sequence[AuditEvent]) -> Appended:
    return await ledger.append(tenant, [verified(with_content(event)) for event in events])


async def _all(database: Database, tenant: str) -> list[Entry]:
    entries: list[Entry] = []
    token = ""
    async with reading(database, tenant) as unit:
        while True:
            page = await unit.list_entries(AuditFilter(), page_request(200, token, {}))
            entries += page.items
            token = page.next_token
            if not token:
                return entries
