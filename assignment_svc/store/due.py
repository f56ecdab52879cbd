"""Notes what a unit makes due, so that workers look at it at once and need not ask when it is."""

from datetime import datetime
from enum import StrEnum

from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.chassis.data.unit import UnitParts


class DueKind(StrEnum):
    """The kinds of rows that become due."""

    TASKS = "tasks"
    HANDOFFS = "handoffs"
    RETIREMENTS = "retirements"
    APPROVALS = "approvals"


class DueTable(TenantRows):
    """The base class of repositories whose rows become due."""

    def __init__(self, parts: UnitParts) -> None:
        super().__init__(parts)
        self.due: dict[DueKind, datetime] = {}
        """When the earliest row of each kind is due that this unit has written."""

    def _becomes_due(self, kind: DueKind, at: datetime | None) -> None:
        """Note that a row of ``kind`` was written that is due at ``at``; None for never."""
        if at is not None:
            self.due[kind] = min(at, self.due.get(kind, at))
