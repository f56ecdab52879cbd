"""Stores effects outside the runtime; the lock of their task covers them."""

from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, case, literal, select

from assignment_svc.domain.actions.effect import Effect, EffectFilter
from assignment_svc.domain.states import EffectStatus
from assignment_svc.domain.task import Task
from assignment_svc.store.related import Related, RelatedTable
from assignment_svc.store.tables import effects, tasks
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.chassis.data.statements import one_of
from phoenix_runtime.core.pages import Page, PageRequest

MAPPER: Final = RowMapper(Effect)

MOST_UNKNOWN: Final = 100
"""How many effects of unknown outcome a briefing names."""

STATUS_BY_NOW: Final[ColumnElement[str]] = case(
    (
        (effects.c.status == EffectStatus.BEGUN.value) & (effects.c.epoch != tasks.c.epoch),
        literal(EffectStatus.UNKNOWN.value),
    ),
    else_=effects.c.status,
)
"""`Effect.seen_with` in SQL, so that pages can be filtered by it."""

BY_NOW: Final = select(
    *(column for column in effects.c if column.name != "status"), STATUS_BY_NOW.label("status")
).join_from(
    effects,
    tasks,
    (effects.c.tenant == tasks.c.tenant) & (effects.c.task_id == tasks.c.task_id),
)

UNFINISHED: Final = (
    select(effects)
    .where(
        effects.c.tenant == bindparam("tenant"),
        effects.c.task_id == bindparam("task_id"),
        one_of(effects.c.status, [EffectStatus.BEGUN.value, EffectStatus.UNKNOWN.value]),
    )
    .order_by(effects.c.begun_at.desc(), effects.c.authorization_id.desc())
    .limit(MOST_UNKNOWN)
)


class EffectTable(RelatedTable):
    """Implements `domain.rows.Effects`."""

    async def save_effect(self, effect: Effect) -> None:
        """Write or replace an effect, whose task is locked."""
        await self._mark(Related.EFFECTS, effect.task_id)
        await self._upsert(effects, MAPPER.row(effect))

    async def find_effect(self, authorization_id: str) -> Effect | None:
        """The effect as recorded; None where there is none."""
        row = await self._find(effects, authorization_id=authorization_id)
        return MAPPER.value(row) if row is not None else None

    async def unknown_effects(self, task: Task) -> tuple[Effect, ...]:
        """Effects of the task whose outcome nobody knows by now, those begun last first."""
        if not self._may_have(Related.EFFECTS, [task.task_id]):
            return ()
        rows = await self._all(UNFINISHED, {"tenant": self.tenant, "task_id": task.task_id})
        seen = (MAPPER.value(row).seen_with(task) for row in rows)
        return tuple(one for one in seen if one.status is EffectStatus.UNKNOWN)

    async def list_effects(self, wanted: EffectFilter, page: PageRequest) -> Page[Effect]:
        """Effects as they are by now, those begun last first."""
        conditions: list[Any] = [self._matching(effects)]
        if wanted.task_id:
            conditions.append(effects.c.task_id == wanted.task_id)
        if wanted.statuses:
            conditions.append(STATUS_BY_NOW.in_([status.value for status in wanted.statuses]))
        statement = BY_NOW.where(*conditions)
        keys = (effects.c.begun_at, effects.c.authorization_id)
        rows = await self._all(newest_first(statement, keys, page))
        return page_of(
            [MAPPER.value(row) for row in rows],
            page,
            lambda one: (one.begun_at, one.authorization_id),
            await self._total(statement, page),
        )
