"""The audit of a task that has ended, once the ledger was told of all of it."""

from __future__ import annotations

from phoenix_dma.testing import Phoenix
from phoenix_dma.v1 import audit_pb2
from tests.support.waiting.until import wait_until

ENDED = frozenset({"succeeded", "failed", "cancelled"})


def whole_story(phoenix: Phoenix, task_id: str) -> list[audit_pb2.AuditEvent]:
    """The lineage of an ended task: its events reach the ledger a moment after they happened."""

    def told() -> list[audit_pb2.AuditEvent] | None:
        found: list[audit_pb2.AuditEvent] = phoenix.client.lineage(task_id)
        own = [one for one in found if one.aggregate == f"task/{task_id}"]
        ends = {one.aggregate_version for one in own if one.new_state in ENDED}
        return found if len(own) in ends else None

    return wait_until(told)
