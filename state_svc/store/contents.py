"""Stores contents under their hash: immutable, one copy a tenant."""

from typing import Final

from prometheus_client import Histogram

from phoenix_runtime.chassis.data.rows import TenantRows
from state_svc.store.tables import contents

TRANSFERRED: Final = Histogram(
    "phoenix_dma_context_transfer_bytes",
    "Size of contexts stored (in) and read (out), by value (section 12)",
    ["direction"],
    buckets=[4**power for power in range(3, 12)],
)


class ContentTable(TenantRows):
    """Implements `domain.ports.Contents`."""

    async def add_content(self, content_hash: str, content: bytes) -> None:
        """Store ``content`` under its hash; the same content again changes nothing."""
        row = {
            "hash": content_hash,
            "content": content,
            "size_bytes": len(content),
            "stored_at": self.clock.now(),
        }
        await self._keep(contents, row)
        TRANSFERRED.labels("in").observe(len(content))

    async def find_content(self, content_hash: str) -> bytes | None:
        """The bytes stored under that hash, as they are now; None where there are none."""
        row = await self._find(contents, hash=content_hash)
        if row is None:
            return None
        content = bytes(row["content"])
        TRANSFERRED.labels("out").observe(len(content))
        return content
