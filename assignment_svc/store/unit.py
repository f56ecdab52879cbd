"""The unit of assignment: one transaction over everything that decides."""

import contextlib
from collections.abc import AsyncIterator

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import HandoffStatus
from assignment_svc.store.approvals import ApprovalTables
from assignment_svc.store.gates import GateTable
from assignment_svc.store.handoffs import HandoffTables
from assignment_svc.store.history import HistoryTables
from assignment_svc.store.meters import HANDOFF, count
from assignment_svc.store.queue import QueueTables
from assignment_svc.store.retirements import RetirementTable
from assignment_svc.store.tasks import TaskTable
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import UnitParts, Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.events import AuditDraft
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt


class AssignmentUnit(
    TaskTable,
    HistoryTables,
    GateTable,
    HandoffTables,
    QueueTables,
    RetirementTable,
    ApprovalTables,
):
    """Implements `domain.ports.Unit`."""

    def __init__(self, parts: UnitParts) -> None:
        super().__init__(parts)
        self._told: list[AuditDraft] = []

    async def audit(self, draft: AuditDraft) -> Receipt:
        """Write an event with this transaction, and count it once it is written."""
        self._told.append(draft)
        return await super().audit(draft)

    async def save_handoff(self, handoff: Handoff) -> None:
        """Write back a handoff; how long a completed one took is measured."""
        await super().save_handoff(handoff)
        if handoff.status is HandoffStatus.COMPLETED:
            HANDOFF.observe((handoff.updated_at - handoff.created_at).total_seconds())

    async def flush(self) -> bool:
        """Write what was collected, then count it."""
        news = await super().flush()
        count(self._told)
        self._told = []
        return news


class AssignmentUnits:
    """Implements `domain.ports.Units`."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._units = Units(database, AssignmentUnit, outbox, new_id)

    def __call__(self, call: Call) -> contextlib.AbstractAsyncContextManager[AssignmentUnit]:
        """One transaction; see `chassis.data.unit.Units`."""
        return self._units(call)

    @contextlib.asynccontextmanager
    async def reading(self, call: Call) -> AsyncIterator[AssignmentUnit]:
        """One read-only transaction; what it would audit is never written."""
        async with self._database.reading(call.tenant) as connection:
            yield AssignmentUnit(
                UnitParts(
                    connection=connection,
                    call=call,
                    clock=self._database.clock,
                    new_id=new_id,
                    outbox=self._outbox,
                )
            )
