"""Contents under their hash: immutable, one copy a tenant."""

from typing import Final

from prometheus_client import Histogram
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.principal import Call
from state_svc.store.tables import contents

TRANSFERRED: Final = Histogram(
    "phoenix_dma_context_transfer_bytes",
    "Size of contexts on their way in and out, by value (section 12)",
    ["direction"],
    buckets=[4**power for power in range(3, 12)],
)


class StoredContents:
    """Implements `state_svc.domain.ports.Contents` on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, call: Call, *, content_hash: str, content: bytes) -> None:
        """Store ``content``; committed when this returns. The same again changes nothing."""
        row = insert(contents).values(
            tenant=call.tenant,
            hash=content_hash,
            content=content,
            size_bytes=len(content),
            stored_at=self._database.clock.now(),
        )
        async with self._database.transaction(call.tenant) as connection:
            await connection.execute(row.on_conflict_do_nothing())
        TRANSFERRED.labels("in").observe(len(content))

    async def read(self, call: Call, content_hash: str) -> bytes | None:
        """The bytes as they are now; None where there are none."""
        chosen = select(contents.c.content).where(
            contents.c.tenant == call.tenant, contents.c.hash == content_hash
        )
        async with self._database.reading(call.tenant) as connection:
            found: bytes | None = await connection.scalar(chosen)
        if found is not None:
            TRANSFERRED.labels("out").observe(len(found))
        return found
