"""Notes, and what every service has."""

from alembic import op

from phoenix_runtime.chassis.data.migrations import create_tables, grant_worker
from tests.support.sample.store import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_tables(op, tables.metadata)
    grant_worker(op, tables.note, ["note_id"], update=["claimed_until"])
