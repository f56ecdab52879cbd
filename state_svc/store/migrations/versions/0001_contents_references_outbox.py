"""Contents under their hash, references to state that lives elsewhere, the outbox."""

from alembic import op

from phoenix_runtime.chassis.data.migrations import create_tables
from state_svc.store.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables; contents and references can only be added to."""
    create_tables(op, metadata, append_only=("contents", "state_references"))
