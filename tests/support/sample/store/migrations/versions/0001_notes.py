"""Notes, and what every service has."""

from alembic import op

from phoenix_runtime.chassis.data.revision_operations import grant_worker, secure_table
from tests.support.sample.store import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    # The sample is never released: it always has what its tables say now.
    tables.metadata.create_all(op.get_bind())
    for table in tables.metadata.sorted_tables:
        secure_table(op, table.fullname)
    schema = tables.metadata.schema
    outbox = ["event_id", "document", "created_at"]
    keys = ["principal", "rpc", "request_id", "created_at"]
    marks = ["claimed_until", "failures"]
    grant_worker(op, f"{schema}.note", ["note_id"], update=["claimed_until"])
    grant_worker(op, f"{schema}.outbox", outbox, delete=True)
    grant_worker(op, f"{schema}.directive_outbox", ["directive_id", *outbox[1:]], delete=True)
    grant_worker(op, f"{schema}.deliveries", ["key", "receiver"], update=marks, delete=True)
    grant_worker(op, f"{schema}.idempotency", keys, delete=True)
