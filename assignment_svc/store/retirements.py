"""Stores retirements, one a participant."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from assignment_svc.domain.retirement import Retirement, RetirementFilter
from assignment_svc.store.due import DueKind, DueTable
from assignment_svc.store.tables import retirements
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.pages import Page, PageRequest

MAPPER = RowMapper(Retirement)


def retirement_row(retirement: Retirement) -> dict[str, Any]:
    """The columns of a retirement, the derived ones included. A write ends any claim."""
    return MAPPER.row(retirement) | {"wake_at": retirement.wake_at, "claimed_until": None}


def retirement_of(row: Mapping[str, Any]) -> Retirement:
    """The retirement of a row."""
    return MAPPER.value(row)


class RetirementTable(DueTable):
    """Implements `domain.rows.Retirements`."""

    async def add_retirement(self, retirement: Retirement) -> bool:
        """Insert; False where the participant has one already."""
        self._becomes_due(DueKind.RETIREMENTS, retirement.wake_at)
        return await self._insert_if_absent(retirements, retirement_row(retirement))

    async def find_retirement(self, retirement_id: str) -> Retirement | None:
        """The retirement as last committed."""
        row = await self._find(retirements, retirement_id=retirement_id)
        return retirement_of(row) if row is not None else None

    async def retirement_of(self, participant_id: str) -> Retirement | None:
        """The participant's retirement, where it has one."""
        row = await self._find(retirements, participant_id=participant_id)
        return retirement_of(row) if row is not None else None

    async def lock_retirement(self, retirement_id: str) -> Retirement:
        """Under its row lock; raises `NotFound`."""
        row = await self._find(retirements, retirement_id=retirement_id, lock=True)
        if row is None:
            raise NotFound("retirement", retirement_id)
        return retirement_of(row)

    async def save_retirement(self, retirement: Retirement) -> None:
        """Write back a locked retirement."""
        row = retirement_row(retirement)
        await self._update(retirements, {"retirement_id": row.pop("retirement_id")}, row)
        self._becomes_due(DueKind.RETIREMENTS, retirement.wake_at)

    async def list_retirements(
        self, wanted: RetirementFilter, page: PageRequest
    ) -> Page[Retirement]:
        """Retirements, newest first."""
        statement = select(retirements).where(self._matching(retirements))
        if wanted.participant_id:
            statement = statement.where(retirements.c.participant_id == wanted.participant_id)
        if wanted.statuses:
            states = [status.value for status in wanted.statuses]
            statement = statement.where(retirements.c.status.in_(states))
        keys = (retirements.c.created_at, retirements.c.retirement_id)
        rows = await self._all(newest_first(statement, keys, page))
        return page_of(
            [retirement_of(row) for row in rows],
            page,
            lambda one: (one.created_at, one.retirement_id),
            await self._total(statement, page),
        )
