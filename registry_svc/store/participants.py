"""Participants of one tenant, their registrations and their edges."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Select,
    Text,
    any_,
    bindparam,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from phoenix_runtime.chassis.data.mapper import ColumnCodec, RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.chassis.data.rows import KEY, TenantRows
from phoenix_runtime.chassis.data.unit import UnitParts
from phoenix_runtime.chassis.data.writes import Write
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.receipt import Receipt
from registry_svc.domain.declaration import claims_document, declaration_from
from registry_svc.domain.graph import Edge, EdgeFilter, edges_of
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import ParticipantFilter
from registry_svc.store.tables import edges, generations, participants

MAPPER: Final = RowMapper(
    Participant,
    flattened=("grants",),
    codecs={"declaration": ColumnCodec(claims_document, declaration_from)},
)
EDGES: Final = RowMapper(Edge)
MOVED: Final = (
    "status",
    "status_reason",
    "retirement_id",
    "standing_revision",
    "version",
    "updated_at",
)
"""The columns that transitions change."""

OF_IDS: Final = (
    select(participants)
    .where(
        participants.c.tenant == bindparam("tenant"),
        participants.c.participant_id == any_(bindparam("ids", type_=ARRAY(Text))),
    )
    .order_by(participants.c.participant_id)
)
LOCKED_OF_IDS: Final = OF_IDS.with_for_update()
MOVE: Final = (
    update(participants)
    .where(
        participants.c.tenant == bindparam(f"{KEY}tenant"),
        participants.c.participant_id == bindparam(f"{KEY}participant_id"),
    )
    .values({name: bindparam(name) for name in MOVED})
)
_TEXTS: Final = ARRAY(Text)
_NAMED: Final = (
    func.unnest(
        bindparam("kinds", type_=_TEXTS),
        bindparam("names", type_=_TEXTS),
        bindparam("grants", type_=ARRAY(Boolean)),
        bindparam("reasons", type_=_TEXTS),
    )
    .table_valued("kind", "name", "granted", "refused_because")
    .render_derived("claimed")
)
_NEW_EDGES: Final = insert(edges).from_select(
    ["tenant", "participant_id", *_NAMED.c.keys()],
    select(bindparam("of_tenant", type_=Text), bindparam("of_participant", type_=Text), *_NAMED.c),
)
SAVE_EDGES: Final = _NEW_EDGES.on_conflict_do_update(
    index_elements=list(edges.primary_key),
    set_={name: _NEW_EDGES.excluded[name] for name in ("granted", "refused_because")},
)
"""Edges of one participant, however many: one statement, which goes with the rest of the unit."""


class ParticipantTable(TenantRows):
    """Implements `domain.ports.Participants`.

    ``saved`` is what the unit wrote; ``added``, that a row of it is the first of its id.
    """

    def __init__(self, parts: UnitParts) -> None:
        super().__init__(parts)
        self.saved: list[Participant] = []
        self.added = False

    async def lock_participants(self, participant_ids: Iterable[str]) -> dict[str, Participant]:
        """See the port. Ordered by id, so that two units never wait for each other in a circle."""
        rows = await self._all(LOCKED_OF_IDS, self._of_ids(participant_ids))
        return {row["participant_id"]: MAPPER.value(row) for row in rows}

    async def add_participant(self, participant: Participant) -> None:
        """See the port. `RegistryUnits` tells of an id that has a row."""
        self.saved.append(participant)
        self.added = True
        await self._insert(participants, participant_row(participant))
        await self._save_edges(participant, edges_of(participant))

    async def save_participants(self, changed: Sequence[Participant]) -> None:
        """See the port."""
        self.saved += changed
        await self.connection.run_for_each(MOVE, [self._moved(one) for one in changed])

    async def save_claims(self, participant: Participant) -> None:
        """See the port. Edges that stay as they are are not written."""
        self.saved.append(participant)
        known = await self._find_all(edges, ("kind", "name"), participant_id=participant.id)
        before, after = {EDGES.value(row) for row in known}, set(edges_of(participant))
        kept = {(edge.kind, edge.name) for edge in after}
        removed = [(one.kind.value, one.name) for one in before if (one.kind, one.name) not in kept]
        if removed:
            own = self._matching(edges, participant_id=participant.id)
            named = tuple_(edges.c.kind, edges.c.name).in_(removed)
            await self.connection.run(delete(edges).where(own, named))
        await self._upsert(participants, participant_row(participant))
        await self._save_edges(participant, sorted(after - before))

    async def _save_edges(self, participant: Participant, changed: Sequence[Edge]) -> None:
        if not changed:
            return
        parameters = {
            "of_tenant": self.tenant,
            "of_participant": participant.id,
            "kinds": [one.kind.value for one in changed],
            "names": [one.name for one in changed],
            "grants": [one.granted for one in changed],
            "reasons": [one.refused_because for one in changed],
        }
        first = {"tenant": self.tenant, **EDGES.row(changed[0])}
        await self.connection.later(Write(edges, first, SAVE_EDGES, parameters))

    async def add_generation(self, participant: Participant, receipt: Receipt) -> None:
        """See the port."""
        row = {
            "participant_id": participant.id,
            "generation": participant.generation,
            "registered_at": participant.updated_at,
            "actor": self.call.actor,
            "policy_decision_id": receipt.verdict.decision_id if receipt.verdict else "",
            "audit_event_id": receipt.audit_event_id,
        }
        await self._insert(generations, row)

    async def find_participant(self, participant_id: str) -> Participant | None:
        """See the port."""
        row = await self._find(participants, participant_id=participant_id)
        return None if row is None else MAPPER.value(row)

    async def find_participants(self, participant_ids: Sequence[str]) -> tuple[Participant, ...]:
        """See the port."""
        rows = await self._all(OF_IDS, self._of_ids(participant_ids))
        return tuple(MAPPER.value(row) for row in rows)

    async def list_participants(
        self, wanted: ParticipantFilter, *, after: str, limit: int
    ) -> tuple[Participant, ...]:
        """See the port."""
        statement = self._listed(wanted).where(participants.c.participant_id > after)
        page = statement.order_by(participants.c.participant_id).limit(limit)
        return tuple(MAPPER.value(row) for row in await self._all(page))

    async def page_participants(
        self, wanted: ParticipantFilter, page: PageRequest
    ) -> Page[Participant]:
        """See the port."""
        columns = participants.c
        statement = self._listed(wanted)
        total = await self._total(statement, page)
        if wanted.newest_first:
            keys = (columns.created_at, columns.participant_id)
            rows = await self._all(newest_first(statement, keys, page))
            items = [MAPPER.value(row) for row in rows]
            return page_of(items, page, lambda one: (one.created_at, one.id), total)
        after = page.after[0] if page.after else ""
        found = await self.list_participants(wanted, after=after, limit=page.size + 1)
        return page_of(found, page, lambda one: (one.id,), total)

    def _listed(self, wanted: ParticipantFilter) -> Select[Any]:
        columns = participants.c
        statement = select(participants).where(self._matching(participants))
        if wanted.statuses:
            names = sorted(status.value for status in wanted.statuses)
            statement = statement.where(columns.status.in_(names))
        if wanted.types:
            statement = statement.where(columns.type.in_(sorted(wanted.types)))
        if wanted.owner:
            statement = statement.where(columns.owner == wanted.owner)
        return statement

    async def list_edges(
        self, wanted: EdgeFilter, *, after: tuple[str, ...], limit: int
    ) -> tuple[Edge, ...]:
        """See the port."""
        key = tuple_(edges.c.participant_id, edges.c.kind, edges.c.name)
        statement = select(edges).where(self._matching(edges))
        if after:
            statement = statement.where(key > tuple_(*map(literal, after)))
        if wanted.participant_id:
            statement = statement.where(edges.c.participant_id == wanted.participant_id)
        if wanted.kind is not None:
            statement = statement.where(edges.c.kind == wanted.kind.value)
        if wanted.name:
            statement = statement.where(edges.c.name == wanted.name)
        if not wanted.include_refused:
            statement = statement.where(edges.c.granted)
        page = statement.order_by(edges.c.participant_id, edges.c.kind, edges.c.name).limit(limit)
        return tuple(EDGES.value(row) for row in await self._all(page))

    def _of_ids(self, participant_ids: Iterable[str]) -> dict[str, object]:
        return {"tenant": self.tenant, "ids": list(participant_ids)}

    def _moved(self, participant: Participant) -> dict[str, object]:
        row = MAPPER.row(participant)
        changes = {name: row[name] for name in MOVED}
        return {**self._key({"participant_id": participant.id}), **changes}


def participant_row(participant: Participant) -> Mapping[str, Any]:
    """The columns of a participant, those for filters and readers included."""
    declared = participant.declaration
    return MAPPER.row(participant) | {
        "participant_id": participant.id,
        "type": declared.type,
        "owner": declared.owner,
        "liveness": participant.liveness.value,
        "trust_policy": declared.effective_trust_policy,
        "capacity": declared.capacity,
        "cost": declared.cost,
        "task_types": list(declared.task_types),
    }
