"""The evidence that trust rests on: a projection of the ledger, advanced as the ledger grows.

Sequences are given under the lock of the head, so a ledger has no gap that closes later and a
cursor is safe here, as it is not over an outbox.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from governance_svc.domain.ports import Advance, Records
from governance_svc.domain.trust.certification import Certification
from governance_svc.domain.trust.projection import FOLD, TYPES, Folded, fold, fold_all
from governance_svc.store.certifications import certification_of
from governance_svc.store.evidence_rows import document_of, folded_of
from governance_svc.store.ledger_rows import entry_of
from governance_svc.store.tables import (
    certification,
    ledger_event,
    ledger_head,
    trust_cursor,
    trust_evidence,
)
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.events import AuditEvent

STRIDE = 2_000
"""Entries of the ledger that are folded anew at a time."""


class PostgresTrustRecords:
    """Implements `TrustRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, tenant: str, participants: Sequence[str]) -> Records:
        """Three questions in one transaction; a batch of candidates costs as much as one."""
        folded = select(trust_evidence.c.participant_id, trust_evidence.c.document).where(
            trust_evidence.c.tenant == tenant, trust_evidence.c.participant_id.in_(participants)
        )
        certificates = (
            select(certification)
            .where(
                certification.c.tenant == tenant,
                certification.c.participant_id.in_(participants),
                certification.c.revoke_time.is_(None),
            )
            .order_by(certification.c.grant_time)
        )
        async with self._database.reading(tenant) as connection:
            documents = list(await connection.execute(folded))
            held = list((await connection.execute(certificates)).mappings())
            as_of = await _cursor(connection, tenant)
        return Records(
            as_of_sequence=as_of,
            folded={row.participant_id: folded_of(row.document) for row in documents},
            certificates=_by_participant(certification_of(dict(row)) for row in held),
        )

    async def recomputed(self, tenant: str) -> Mapping[str, Folded]:
        """Fold the whole ledger anew, whatever the projection says."""
        events: list[AuditEvent] = []
        async with self._database.reading(tenant) as connection:
            after, until = 0, await _end(connection, tenant)
            while after < until:
                stride = min(after + STRIDE, until)
                events += await _events(connection, tenant, after, stride)
                after = stride
        return fold_all(events)

    async def advance(self, tenant: str, limit: int) -> Advance | None:
        """Fold the next ``limit`` entries of the ledger into the projection, in one transaction.

        The cursor's row is locked: replicas take turns, and none folds an event twice.
        """
        async with self._database.transaction(tenant) as connection:
            after = await _locked_cursor(connection, tenant)
            end = await _end(connection, tenant)
            until = min(end, after + limit)
            if until <= after:
                return None
            events = await _events(connection, tenant, after, until)
            changed = await _folded(connection, tenant, events)
            await _save(connection, tenant, changed)
            await connection.execute(
                update(trust_cursor).where(trust_cursor.c.tenant == tenant).values(sequence=until)
            )
        return Advance(tuple(changed), more=until < end)


async def _folded(
    connection: AsyncConnection, tenant: str, events: Sequence[AuditEvent]
) -> dict[str, Folded]:
    """Whom ``events`` concern, with what is known of them then."""
    concerned = {event.participant for event in events}
    query = select(trust_evidence.c.participant_id, trust_evidence.c.document).where(
        trust_evidence.c.tenant == tenant, trust_evidence.c.participant_id.in_(concerned)
    )
    known = {row.participant_id: folded_of(row.document) for row in await connection.execute(query)}
    changed: dict[str, Folded] = {}
    for event in events:
        name = event.participant
        changed[name] = fold(changed.get(name) or known.get(name) or Folded(), event)
    return changed


async def _save(connection: AsyncConnection, tenant: str, changed: Mapping[str, Folded]) -> None:
    if not changed:
        return
    statement = insert(trust_evidence).values(
        [
            {"tenant": tenant, "participant_id": name, "document": document_of(folded)}
            for name, folded in changed.items()
        ]
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant", "participant_id"],
            set_={"document": statement.excluded.document},
        )
    )


async def _events(
    connection: AsyncConnection, tenant: str, after: int, until: int
) -> list[AuditEvent]:
    """The events in (after, until] that evidence rests on, in order."""
    query = (
        select(ledger_event)
        .where(
            ledger_event.c.tenant == tenant,
            ledger_event.c.sequence.between(after + 1, until),
            ledger_event.c.type.in_(TYPES),
            ledger_event.c.participant != "",
        )
        .order_by(ledger_event.c.sequence)
    )
    return [entry_of(dict(row)).event for row in (await connection.execute(query)).mappings()]


async def _locked_cursor(connection: AsyncConnection, tenant: str) -> int:
    """The cursor, locked; back at 0 with nothing folded where the rules of folding changed."""
    first = insert(trust_cursor).values(tenant=tenant, sequence=0, model=FOLD)
    await connection.execute(first.on_conflict_do_nothing())
    query = select(trust_cursor).where(trust_cursor.c.tenant == tenant).with_for_update()
    row = (await connection.execute(query)).one()
    if row.model == FOLD:
        return int(row.sequence)
    await connection.execute(delete(trust_evidence).where(trust_evidence.c.tenant == tenant))
    anew = update(trust_cursor).where(trust_cursor.c.tenant == tenant)
    await connection.execute(anew.values(sequence=0, model=FOLD))
    return 0


async def _cursor(connection: AsyncConnection, tenant: str) -> int:
    query = select(trust_cursor.c.sequence).where(trust_cursor.c.tenant == tenant)
    return int((await connection.execute(query)).scalar() or 0)


async def _end(connection: AsyncConnection, tenant: str) -> int:
    query = select(ledger_head.c.sequence).where(ledger_head.c.tenant == tenant)
    return int((await connection.execute(query)).scalar() or 0)


def _by_participant(held: Iterable[Certification]) -> dict[str, tuple[Certification, ...]]:
    found: dict[str, tuple[Certification, ...]] = {}
    for one in held:
        found[one.participant_id] = (*found.get(one.participant_id, ()), one)
    return found
