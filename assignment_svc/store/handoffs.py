"""Stores handoffs and their offers; the task's lock covers them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select

from assignment_svc.domain.handoff import Handoff, HandoffFilter, OfferRecord
from assignment_svc.domain.states import HANDOFF_ENDED, HandoffStatus
from assignment_svc.store.due import DueKind
from assignment_svc.store.related import Related, RelatedTable
from assignment_svc.store.tables import handoffs, offers
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.chassis.data.statements import one_of
from phoenix_runtime.core.pages import Page, PageRequest

MAPPER = RowMapper(Handoff)
OFFERS = RowMapper(OfferRecord)
OPEN = [status.value for status in HandoffStatus if status not in HANDOFF_ENDED]

OPEN_OF_TASKS = select(handoffs).where(
    handoffs.c.tenant == bindparam("tenant"),
    one_of(handoffs.c.task_id, "tasks"),
    one_of(handoffs.c.status, OPEN),
)


def handoff_row(handoff: Handoff) -> dict[str, Any]:
    """The columns of a handoff, the derived ones included. A write ends any claim."""
    asked = handoff.offer.target if handoff.offer else ""
    if handoff.parked:
        asked = handoff.parked.target
    return MAPPER.row(handoff) | {
        "source": handoff.source,
        "offered_target_id": asked,
        "wake_at": handoff.wake_at,
        "claimed_until": None,
    }


def handoff_of(row: Mapping[str, Any]) -> Handoff:
    """The handoff of a row."""
    return MAPPER.value(row)


class HandoffTable(RelatedTable):
    """Implements `domain.rows.Handoffs`."""

    async def add_handoff(self, handoff: Handoff) -> None:
        """Insert a handoff of a locked task; a second open one violates a unique index."""
        await self._mark(Related.HANDOFFS, handoff.task_id)
        await self._insert(handoffs, handoff_row(handoff))
        self._becomes_due(DueKind.HANDOFFS, handoff.wake_at)

    async def find_handoff(self, handoff_id: str) -> Handoff | None:
        """The handoff as last committed."""
        row = await self._find(handoffs, handoff_id=handoff_id)
        return handoff_of(row) if row is not None else None

    async def open_handoffs(self, task_ids: Collection[str]) -> dict[str, Handoff]:
        """The open handoff of each of these tasks, by task id."""
        wanted = self._may_have(Related.HANDOFFS, sorted(task_ids))
        if not wanted:
            return {}
        parameters = {"tenant": self.tenant, "tasks": wanted}
        rows = await self._all(OPEN_OF_TASKS, parameters)
        return {row["task_id"]: handoff_of(row) for row in rows}

    async def save_handoff(self, handoff: Handoff) -> None:
        """Write back a handoff whose task is locked."""
        row = handoff_row(handoff)
        await self._update(handoffs, {"handoff_id": row.pop("handoff_id")}, row)
        self._becomes_due(DueKind.HANDOFFS, handoff.wake_at)

    async def list_handoffs(self, wanted: HandoffFilter, page: PageRequest) -> Page[Handoff]:
        """Handoffs, newest first."""
        statement = select(handoffs).where(self._matching(handoffs))
        if wanted.task_id:
            statement = statement.where(handoffs.c.task_id == wanted.task_id)
        if wanted.participant_id:
            who = wanted.participant_id
            ends = or_(
                handoffs.c.source == who,
                handoffs.c.target == who,
                handoffs.c.offered_target_id == who,
            )
            statement = statement.where(ends)
        if wanted.statuses:
            statement = statement.where(handoffs.c.status.in_([s.value for s in wanted.statuses]))
        keys = (handoffs.c.created_at, handoffs.c.handoff_id)
        rows = await self._all(newest_first(statement, keys, page))
        return page_of(
            [handoff_of(row) for row in rows],
            page,
            lambda one: (one.created_at, one.handoff_id),
            await self._total(statement, page),
        )

    async def handoffs_from(self, participant_id: str) -> tuple[Handoff, ...]:
        """Open handoffs with this source."""
        mine = self._matching(handoffs, source=participant_id)
        return await self._open(mine)

    async def handoffs_to(self, participant_id: str) -> tuple[Handoff, ...]:
        """Open handoffs that are offered to this participant, or parked for it."""
        mine = self._matching(handoffs, offered_target_id=participant_id)
        return await self._open(mine)

    async def _open(self, condition: Any) -> tuple[Handoff, ...]:
        statement = select(handoffs).where(condition, handoffs.c.status.in_(OPEN))
        rows = await self._all(statement.order_by(handoffs.c.task_id))
        return tuple(handoff_of(row) for row in rows)

    async def add_offer(self, record: OfferRecord) -> None:
        """Write an offer."""
        await self._insert(offers, {"offer_id": record.offer.offer_id, **OFFERS.row(record)})

    async def end_offer(self, offer_id: str, *, at: datetime, outcome: str) -> None:
        """Write the outcome of an offer."""
        await self._update(offers, {"offer_id": offer_id}, {"ended_at": at, "outcome": outcome})

    async def find_offer(self, offer_id: str) -> OfferRecord | None:
        """The offer with this id, ended or not; None where there is none."""
        row = await self._find(offers, offer_id=offer_id)
        return OFFERS.value(row) if row is not None else None
