"""The tasks that participants have to do with, whichever row says so."""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, select, text, union

from assignment_svc.store.tables import OPEN_HANDOFF, handoffs, tasks

_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)


def _tasks_by(
    named: ColumnElement[str], task_id: ColumnElement[str], tenant: ColumnElement[str]
) -> Select[Any]:
    """Ids of the tasks of rows whose column ``named`` is one of these participants.

    That it is not empty is said for the planner: the index of each of these columns says it too.
    """
    return select(task_id).where(tenant == bindparam("tenant"), named != "", named.in_(_IDS))


AROUND = (
    select(tasks)
    .where(
        tasks.c.tenant == bindparam("tenant"),
        tasks.c.task_id.in_(
            union(
                _tasks_by(tasks.c.participant_id, tasks.c.task_id, tasks.c.tenant),
                _tasks_by(tasks.c.parked_target_id, tasks.c.task_id, tasks.c.tenant),
                _tasks_by(handoffs.c.source, handoffs.c.task_id, handoffs.c.tenant).where(
                    text(OPEN_HANDOFF)
                ),
                _tasks_by(handoffs.c.offered_target_id, handoffs.c.task_id, handoffs.c.tenant),
            )
        ),
    )
    .order_by(tasks.c.task_id)
)
"""One statement, so that a task on its way from one column to another is not missed."""
