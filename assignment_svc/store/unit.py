"""The unit of assignment: one transaction over all of its repositories."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from asyncpg import UniqueViolationError

from assignment_svc.domain.declaration import Document
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.rows import IdTaken
from assignment_svc.domain.states import HandoffStatus
from assignment_svc.domain.task import Task
from assignment_svc.store.approvals import ApprovalTable
from assignment_svc.store.bindings import BindingTable
from assignment_svc.store.context_pointers import ContextPointerTable
from assignment_svc.store.due import DueKind
from assignment_svc.store.effects import EffectTable
from assignment_svc.store.exclusions import ExclusionTable
from assignment_svc.store.gates import GateTable
from assignment_svc.store.handoffs import HandoffTable
from assignment_svc.store.metrics import HANDOFF, count
from assignment_svc.store.queue import QueueTable
from assignment_svc.store.retirements import RetirementTable
from assignment_svc.store.tasks import TaskTable
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox, Rows, VersionConflict
from phoenix_runtime.chassis.data.unit import UnitParts, Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.events import AuditDraft
from phoenix_runtime.core.receipt import Receipt

DueListener: TypeAlias = Callable[[DueKind, datetime], None]


class AssignmentUnit(
    TaskTable,
    BindingTable,
    ContextPointerTable,
    ExclusionTable,
    GateTable,
    HandoffTable,
    QueueTable,
    RetirementTable,
    ApprovalTable,
    EffectTable,
):
    """Implements `domain.ports.Unit`."""

    def __init__(self, parts: UnitParts) -> None:
        super().__init__(parts)
        self._drafts: list[AuditDraft] = []
        self.added = False
        """Whether it inserts a task."""

    async def add_task(self, task: Task, content: Document) -> None:
        """Insert a task and its input."""
        self.added = True
        await super().add_task(task, content)

    async def audit(self, draft: AuditDraft) -> Receipt:
        """Write an event with this transaction, and count it at the end."""
        self._drafts.append(draft)
        return await super().audit(draft)

    async def save_handoff(self, handoff: Handoff) -> None:
        """Write back a handoff, and measure how long a completed one took."""
        await super().save_handoff(handoff)
        if handoff.status is HandoffStatus.COMPLETED:
            HANDOFF.observe((handoff.updated_at - handoff.created_at).total_seconds())

    async def flush(self, committing: Callable[[], None]) -> Rows:
        """Write what was collected, then count it."""
        written = await super().flush(committing)
        count(self._drafts)
        self._drafts = []
        return written


class AssignmentUnits(Units[AssignmentUnit]):
    """Implements `domain.ports.Units`."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        super().__init__(database, AssignmentUnit, outbox, new_id)
        self._listeners: list[DueListener] = []

    def on_due(self, listener: DueListener) -> None:
        """Call ``listener`` after a commit, with each kind of row that it made due, and when."""
        self._listeners.append(listener)

    def committed(self, unit: AssignmentUnit, written: Rows) -> None:
        """See `Units`; also says what fell due."""
        super().committed(unit, written)
        for kind, at in unit.due.items():
            for listener in self._listeners:
                listener(kind, at)

    def meaning(self, unit: AssignmentUnit, error: BaseException) -> BaseException:
        """Of two tasks with one id, the later one is `IdTaken`.

        By its row's key, or by the version of its event.
        """
        if unit.added and isinstance(error, UniqueViolationError | VersionConflict):
            return IdTaken("Somebody else submitted this task at the same moment")
        return error
