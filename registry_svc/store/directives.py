"""Directives to the participants of one tenant."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Integer, Text, bindparam, column, func, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from phoenix_runtime.chassis.data.rows import KEY, TenantRows
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import directive_document, directive_of
from registry_svc.domain.ports import Acknowledgement
from registry_svc.store.tables import directives

INSTANT: Final = directives.c.created_at.type
_ADDED: Final = (
    func.unnest(
        bindparam("ids", type_=ARRAY(Text)),
        bindparam("receivers", type_=ARRAY(Text)),
        bindparam("documents", type_=ARRAY(JSONB)),
    )
    .table_valued(
        column("directive_id", Text),
        column("participant_id", Text),
        column("document", JSONB),
        name="added",
    )
    .render_derived()
)
ADD: Final = (
    insert(directives)
    .from_select(
        ["tenant", "directive_id", "participant_id", "document", "created_at"],
        select(bindparam("tenant", type_=Text), *_ADDED.c, bindparam("now", type_=INSTANT)),
    )
    .on_conflict_do_nothing()
)
ACKNOWLEDGE: Final = (
    update(directives)
    .where(
        directives.c.tenant == bindparam(f"{KEY}tenant"),
        directives.c.directive_id == bindparam(f"{KEY}directive_id"),
        directives.c.participant_id == bindparam(f"{KEY}participant_id"),
        directives.c.acknowledged_at.is_(None),
    )
    .values(acknowledged_at=bindparam("acknowledged_at"), error=bindparam("error"))
)
_RECEIVER: Final = (
    func.unnest(bindparam("ids", type_=ARRAY(Text)))
    .table_valued(column("participant_id", Text), name="receiver")
    .render_derived()
)
_OLDEST: Final = (
    select(directives.c.document, directives.c.position)
    .where(
        directives.c.tenant == bindparam("tenant"),
        directives.c.participant_id == _RECEIVER.c.participant_id,
        directives.c.acknowledged_at.is_(None),
    )
    .order_by(directives.c.position)
    .limit(bindparam("most", type_=Integer))
    .lateral("oldest")
)
WAITING: Final = (
    select(_OLDEST.c.document)
    .select_from(_RECEIVER.join(_OLDEST, true()))
    .order_by(_OLDEST.c.position)
)


class DirectiveTable(TenantRows):
    """Implements `domain.ports.Directives`."""

    async def add_directives(self, added: Sequence[Directive]) -> int:
        """See the port. They get their positions in the order in which they are given."""
        if not added:
            return 0
        parameters = {
            "tenant": self.tenant,
            "ids": [one.directive_id for one in added],
            "receivers": [one.participant_id for one in added],
            "documents": [directive_document(one) for one in added],
            "now": self.clock.now(),
        }
        return await self.connection.run(ADD, parameters)

    async def acknowledge_directives(self, acks: Sequence[Acknowledgement]) -> None:
        """See the port."""
        now = self.clock.now()
        rows = [
            {
                **self._key(
                    {"directive_id": one.directive_id, "participant_id": one.participant_id}
                ),
                "acknowledged_at": now,
                "error": one.error,
            }
            for one in acks
        ]
        await self.connection.run_for_each(ACKNOWLEDGE, rows)

    async def waiting_directives(
        self, participant_ids: Sequence[str], *, limit: int
    ) -> tuple[Directive, ...]:
        """See the port."""
        parameters = {"tenant": self.tenant, "ids": list(participant_ids), "most": limit}
        rows = await self._all(WAITING, parameters)
        return tuple(directive_of(row["document"]) for row in rows)
