"""Trust projections as rows: a projection of the ledger that advances as the ledger grows.

Sequence numbers are given under the lock of the ledger's head, so no gap is filled later and a
cursor is safe here, as it is not over an outbox.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, delete, literal_column, select

from governance_svc.domain.rows import ProjectionStep
from governance_svc.domain.trust.attribution import OUTCOME_TYPES
from governance_svc.domain.trust.projection import (
    EVIDENCE_TYPES,
    RULES,
    TrustFold,
    TrustProjection,
    project_all,
    tries_of,
)
from governance_svc.store.ledger_rows import entry_of
from governance_svc.store.tables import (
    ledger_events,
    ledger_heads,
    trust_cursors,
    trust_projections,
)
from governance_svc.store.trust_documents import document_of, projection_of
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.chassis.data.statements import one_of
from phoenix_runtime.core.events import AuditEvent

MAX_ENTRIES: Final = 2_000
"""The most entries of the ledger that are read at a time."""

PROJECTIONS: Final = select(trust_projections.c.participant_id, trust_projections.c.document).where(
    trust_projections.c.tenant == bindparam("tenant"),
    one_of(trust_projections.c.participant_id, "participants"),
)

EVENTS: Final = (
    select(ledger_events)
    .where(
        ledger_events.c.tenant == bindparam("tenant"),
        ledger_events.c.sequence.between(bindparam("first"), bindparam("last")),
        one_of(ledger_events.c.type, EVIDENCE_TYPES),
        ledger_events.c.participant_id != literal_column("''"),
    )
    .order_by(ledger_events.c.sequence)
)
"""The events from ``first`` to ``last`` that trust rests on, in order."""

TRIES: Final = (
    select(ledger_events)
    .where(
        ledger_events.c.tenant == bindparam("tenant"),
        ledger_events.c.task_id != literal_column("''"),
        one_of(ledger_events.c.task_id, "tasks"),
        ledger_events.c.sequence <= bindparam("last"),
        one_of(ledger_events.c.type, OUTCOME_TYPES),
        ledger_events.c.participant_id != literal_column("''"),
    )
    .order_by(ledger_events.c.sequence)
)
"""How the tries of some tasks ended up to ``last``, in order."""

CURSOR: Final = (
    select(
        trust_cursors.c.sequence,
        trust_cursors.c.rules,
        select(ledger_heads.c.sequence)
        .where(ledger_heads.c.tenant == trust_cursors.c.tenant)
        .scalar_subquery()
        .label("ledger_end"),
    )
    .where(trust_cursors.c.tenant == bindparam("tenant"))
    .with_for_update()
)
"""The locked cursor, and where the ledger ended no later than the lock was taken."""


class TrustProjectionTables(TenantRows):
    """Implements `domain.rows.TrustProjections`."""

    async def find_projections(self, participants: Sequence[str]) -> Mapping[str, TrustProjection]:
        """The projections of ``participants``; who has none is left out."""
        if not participants:
            return {}
        parameters = {"tenant": self.tenant, "participants": list(participants)}
        rows = await self._all(PROJECTIONS, parameters)
        return {row["participant_id"]: projection_of(row["document"]) for row in rows}

    async def projected_sequence(self) -> int:
        """The sequence number up to which the ledger is projected."""
        row = await self._find(trust_cursors)
        return 0 if row is None else int(row["sequence"])

    async def advance_projections(self, limit: int) -> ProjectionStep | None:
        """Project at most ``limit`` further entries; None where there are none.

        The cursor's row is locked: replicas take turns, and no event is projected twice.
        """
        cursor, end = await self._locked_cursor()
        until = min(end, cursor + limit)
        if until <= cursor:
            return None
        changed = await self._projected(await self._events(cursor, until), cursor)
        for name, projection in changed.items():
            row = {"participant_id": name, "document": document_of(projection)}
            await self._upsert(trust_projections, row)
        await self._update(trust_cursors, {}, {"sequence": until})
        return ProjectionStep(tuple(changed), more=until < end)

    async def recompute_projections(self) -> Mapping[str, TrustProjection]:
        """Every projection, computed anew from the whole ledger; nothing is stored."""
        events: list[AuditEvent] = []
        after, end = 0, await self._ledger_end()
        while after < end:
            until = min(after + MAX_ENTRIES, end)
            events += await self._events(after, until)
            after = until
        return project_all(events)

    async def _projected(
        self, events: Sequence[AuditEvent], cursor: int
    ) -> dict[str, TrustProjection]:
        """The new projections of those whom ``events``, which follow ``cursor``, change."""
        earlier = await self._tries(events, cursor)
        concerned = sorted({event.participant for event in (*earlier, *events)})
        fold = TrustFold(await self.find_projections(concerned), tries_of(earlier))
        for event in events:
            fold.apply(event)
        return {name: fold.projections[name] for name in sorted(fold.changed)}

    async def _tries(self, events: Sequence[AuditEvent], cursor: int) -> list[AuditEvent]:
        """How the tasks of ``events`` went before: others who tried them are concerned, too."""
        tasks = sorted({e.task for e in events if e.task and e.type in OUTCOME_TYPES})
        if not tasks:
            return []
        parameters = {"tenant": self.tenant, "tasks": tasks, "last": cursor}
        return [entry_of(row).event for row in await self._all(TRIES, parameters)]

    async def _events(self, after: int, until: int) -> list[AuditEvent]:
        """The events in (after, until] that trust rests on, in order."""
        parameters = {"tenant": self.tenant, "first": after + 1, "last": until}
        return [entry_of(row).event for row in await self._all(EVENTS, parameters)]

    async def _locked_cursor(self) -> tuple[int, int]:
        """The cursor, locked, and the end of the ledger.

        The cursor is 0, and there is no projection, where the rules of projection have changed.
        """
        row = await self._first(CURSOR, {"tenant": self.tenant})
        if row is None:
            await self._insert_if_absent(trust_cursors, {"sequence": 0, "rules": RULES})
            row = await self._first(CURSOR, {"tenant": self.tenant})
        if row is None:
            raise LookupError("the cursor that was just inserted is not there")
        end = int(row["ledger_end"] or 0)
        if row["rules"] == RULES:
            return int(row["sequence"]), end
        await self.connection.run(
            delete(trust_projections).where(self._matching(trust_projections))
        )
        await self._update(trust_cursors, {}, {"sequence": 0, "rules": RULES})
        return 0, end

    async def _ledger_end(self) -> int:
        row = await self._find(ledger_heads)
        return 0 if row is None else int(row["sequence"])
