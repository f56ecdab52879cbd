"""Units of work: the change, its events, its directives and its answer, or nothing."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from sqlalchemy import Table, select

from phoenix_runtime.chassis.data.connection import Row
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.database_errors import TransactionConflict
from phoenix_runtime.chassis.data.outbox import VersionConflict
from phoenix_runtime.chassis.data.unit import UnitParts, Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.documents import event_document, event_of
from phoenix_runtime.core.events import leaf
from tests.support.builders.calls import call_of
from tests.support.sample.notes import NoteUnit, note_units
from tests.support.sample.store.tables import directive_outbox, metadata, note, outbox
from tests.support.servers.postgres import DatabaseFor
from tests.support.waiting.until import PATIENCE


async def rows(database: Database, tenant: str, table: Table) -> Sequence[Row]:
    async with database.reading(tenant) as connection:
        return await connection.fetch(select(table))


async def versions(database: Database, tenant: str) -> list[int]:
    return sorted(row["aggregate_version"] for row in await rows(database, tenant, outbox))


async def test_an_event_stands_in_the_outbox_complete_and_hashed(
    database_for: DatabaseFor, tenant: str, clock: ManualClock
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    call = call_of("operator", tenant=tenant, subject="ada")
    async with units(call) as unit:
        receipt = await unit.tell("n1", 1)
    (row,) = await rows(database, tenant, outbox)
    document = json.loads(row["document"])
    event = event_of(document)
    assert event.event_id == receipt.audit_event_id == row["event_id"]
    assert (event.actor, event.tenant, event.service) == ("ada", tenant, "registry")
    assert event.correlation_id == receipt.correlation_id == "correlation.test"
    assert event.timestamp == clock.now()
    assert len(event.salt) == 32
    assert event.leaf_hash == leaf(document)
    assert event_document(event) == document


async def test_a_unit_that_fails_leaves_neither_change_nor_event(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)

    async def fail_late() -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.add("n1", "x")
            await unit.tell("n1", 1)
            await unit.order("p1")
            raise LookupError("too late")

    with pytest.raises(LookupError):
        await fail_late()
    for table in (note, outbox, directive_outbox):
        assert await rows(database, tenant, table) == []


async def test_several_events_of_one_aggregate_go_in_one_unit(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    for first, last in ((1, 3), (4, 5)):
        async with units(call_of(tenant=tenant)) as unit:
            for version in range(first, last + 1):
                await unit.tell("n1", version)
    assert await versions(database, tenant) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        pytest.param([1], [1], id="the first again"),
        pytest.param([1, 2], [2], id="the second again"),
        pytest.param([1, 2, 3], [3], id="a later one again"),
        pytest.param([1], [3], id="a gap after the first"),
        pytest.param([1, 2, 3], [5], id="a gap later"),
        pytest.param([1], [2, 4], id="a gap inside one unit"),
        pytest.param([], [3], id="a beginning in the middle"),
        pytest.param([], [0], id="before the first"),
    ],
)
async def test_a_version_that_does_not_follow_is_refused_and_nothing_kept(
    database_for: DatabaseFor, tenant: str, there: list[int], said: list[int]
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)

    async def tell(versions: list[int], note_id: str = "") -> None:
        async with units(call_of(tenant=tenant)) as unit:
            if note_id:
                await unit.add(note_id, "x")
            for version in versions:
                await unit.tell("n1", version)

    for version in there:
        await tell([version])
    with pytest.raises(VersionConflict):
        await tell(said, "n2")
    assert await versions(database, tenant) == there
    assert await rows(database, tenant, note) == []


@pytest.mark.parametrize(
    "units_of", [[[1]], [[1], [2]], [[1, 2, 3]], [[1, 2], [3]], [[1, 2], [3, 4]]]
)
async def test_nothing_is_kept_of_an_aggregate_but_its_events_when_it_has_ended(
    database_for: DatabaseFor, tenant: str, units_of: list[list[int]]
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    newest = units_of[-1][-1]
    for some in units_of:
        async with units(call_of(tenant=tenant)) as unit:
            for version in some:
                await unit.tell("n1", version, last=version == newest)
    heads = metadata.tables[f"{metadata.schema}.outbox_heads"]
    assert await versions(database, tenant) == list(range(1, newest + 1))
    assert await rows(database, tenant, heads) == []


async def test_no_event_follows_the_last_one_in_the_same_unit(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)

    async def tell_more() -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.tell("n1", 1)
            await unit.tell("n1", 2, last=True)
            await unit.tell("n1", 3)

    with pytest.raises(RuntimeError, match="note/n1 has ended"):
        await tell_more()
    assert await versions(database, tenant) == []


@pytest.mark.parametrize("later", [2, 3, 4])
async def test_an_aggregate_that_ended_with_its_second_event_leaves_no_place_for_another(
    database_for: DatabaseFor, tenant: str, later: int
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)

    async def tell(version: int, *, last: bool = False) -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.tell("n1", version, last=last)

    await tell(1)
    await tell(2, last=True)
    for last in (False, True):
        with pytest.raises(VersionConflict):
            await tell(later, last=last)
    assert await versions(database, tenant) == [1, 2]


class BrokenUnit(NoteUnit):
    """One that cannot be made."""

    def __init__(self, parts: UnitParts) -> None:
        super().__init__(parts)
        raise LookupError("no unit")


async def test_a_unit_that_cannot_be_made_gives_its_connection_back(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample", pool=1)
    _, outbox_of_notes = note_units(database)
    broken = Units(database, BrokenUnit, outbox_of_notes, new_id)
    for opened in (broken, broken.reading):
        with pytest.raises(LookupError, match="no unit"):
            async with opened(call_of(tenant=tenant)):
                pass
        async with asyncio.timeout(PATIENCE):
            assert await versions(database, tenant) == []


async def test_the_last_event_follows_the_newest_too_and_none_follows_it(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)

    async def tell(version: int, *, last: bool = False) -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.tell("n1", version, last=last)

    for version in (1, 2, 3):
        await tell(version)
    with pytest.raises(VersionConflict):
        await tell(5, last=True)
    await tell(4, last=True)
    with pytest.raises(VersionConflict):
        await tell(5)
    assert await versions(database, tenant) == [1, 2, 3, 4]


async def test_two_transactions_cannot_both_say_the_next_version(
    database_for: DatabaseFor, tenant: str
) -> None:
    units, _ = note_units(await database_for("sample"))
    async with units(call_of(tenant=tenant)) as unit:
        for version in (1, 2):
            await unit.tell("n1", version)

    async def lose_the_race() -> None:
        async with units(call_of(tenant=tenant)) as late:
            await late.connection.fetch(select(note))
            async with units(call_of(tenant=tenant)) as quick:
                await quick.tell("n1", 3)
            await late.tell("n1", 3)

    with pytest.raises(TransactionConflict):
        await lose_the_race()


async def test_versions_of_another_tenant_do_not_matter(
    database_for: DatabaseFor, tenant: str
) -> None:
    units, _ = note_units(await database_for("sample"))
    for name in (tenant, f"{tenant}.b"):
        async with units(call_of(tenant=name)) as unit:
            await unit.tell("n1", 1)


async def test_listeners_hear_of_a_commit_that_says_something_and_of_no_other(
    database_for: DatabaseFor, tenant: str
) -> None:
    units, box = note_units(await database_for("sample"))
    heard: list[str] = []
    box.on_commit(lambda: heard.append("commit"))
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("n1", "x")
    assert heard == []
    async with units(call_of(tenant=tenant)) as unit:
        await unit.order("p1")
        assert heard == []
    assert heard == ["commit"]


async def test_deadlocked_units_are_told_to_try_again(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("n1", "x")
        await unit.add("n2", "y")
    both_hold = asyncio.Barrier(2)

    async def change(first: str, second: str) -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.change(first, f"{first} by {second}")
            await both_hold.wait()
            await unit.change(second, f"{second} by {first}")

    outcomes = await asyncio.gather(change("n1", "n2"), change("n2", "n1"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome] == [TransactionConflict]
