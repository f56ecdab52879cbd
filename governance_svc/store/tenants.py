"""Which tenants there are, as the worker role sees them."""

from collections.abc import Sequence

from sqlalchemy import select

from governance_svc.store.tables import ledger_head
from phoenix_runtime.chassis.data.database import Database


class LedgerTenants:
    """Implements `Tenants`: whoever has a ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> Sequence[str]:
        """Every tenant that has a ledger."""
        async with self._database.claiming() as connection:
            found = await connection.execute(select(ledger_head.c.tenant))
            return [row.tenant for row in found]
