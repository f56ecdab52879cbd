"""What the registry's workers read and prune across tenants, with the worker role."""

from datetime import timedelta
from typing import Final

from phoenix_runtime.chassis.data.database import Database, driver
from registry_svc.domain.session import LeaseKey
from registry_svc.store import sql

KEPT_ACKNOWLEDGED: Final = timedelta(hours=24)
"""How long an acknowledged directive is kept, so that a late repetition is not delivered again."""
KEPT_WAITING: Final = timedelta(days=14)
"""How long a directive waits for a participant that does not come back."""


class WorkerClaims:
    """Implements `domain.ports.LeaseHolders`, and prunes directives."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease_holders(self) -> tuple[LeaseKey, ...]:
        """See the port."""
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            rows = await raw.fetch(sql.LEASE_HOLDERS)
        return tuple(LeaseKey(row["tenant"], row["id"], row["generation"]) for row in rows)

    async def tenants(self) -> list[str]:
        """The tenants in which a participant is present."""
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            return [row["tenant"] for row in await raw.fetch(sql.TENANTS)]

    async def prune_directives(self) -> None:
        """Delete directives that are kept no longer."""
        now = self._database.clock.now()
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            await raw.execute(sql.PRUNE_DIRECTIVES, now - KEPT_ACKNOWLEDGED, now - KEPT_WAITING)
