"""Tasks, gates, handoffs, retirements, and everything that belongs to them."""

from alembic import op

from assignment_svc.store import tables
from phoenix_runtime.chassis.data.migrations import create_tables, grant_worker

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table; checkpoints' pointers and contents can be added and read, never changed."""
    create_tables(op, tables.metadata, append_only=["context_pointers", "contents"])
    claim = ["claimed_until"]
    grant_worker(op, tables.tasks, ["task_id", "wake_at", "priority"], update=claim)
    grant_worker(op, tables.handoffs, ["handoff_id", "wake_at"], update=claim)
    grant_worker(op, tables.retirements, ["retirement_id", "wake_at"], update=claim)
    grant_worker(op, tables.approvals, ["approval_id", "next_poll_at"], update=claim)
    grant_worker(op, tables.gates, ["participant_id"])
