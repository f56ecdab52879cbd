"""Participants, generations, the capability graph, directives, outbox, idempotency."""

from alembic import op

from phoenix_runtime.chassis.data.migrations import create_tables, grant_worker
from registry_svc.store.tables import directive, metadata, participant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything. Workers see whose lease runs, and which directives are old."""
    create_tables(op, metadata, append_only=["generation"])
    grant_worker(op, participant, ["id", "generation", "status", "status_reason", "liveness"])
    grant_worker(op, directive, ["directive_id", "created_at", "acknowledged_at"], delete=True)
