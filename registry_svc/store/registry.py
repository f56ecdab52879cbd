"""The committed truth, read only: implements `domain.ports.Registry`, and what workers see."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from phoenix_runtime.chassis.data.database import Database, driver
from phoenix_runtime.core.directives import Directive
from registry_svc.domain.discovery import Need
from registry_svc.domain.graph import Edge, EdgeFilter
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import ParticipantFilter
from registry_svc.domain.presence import LeaseKey
from registry_svc.store import sql
from registry_svc.store.rows import directive_from, edge_of, participant_of

KEPT_ACKNOWLEDGED = timedelta(hours=24)
"""How long an acknowledged directive keeps a late repetition from coming again."""
KEPT_WAITING = timedelta(days=14)
"""How long a directive waits for somebody who does not come back."""


class PostgresRegistry:
    """Reads of one tenant each, as the application role."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, participant_id: str) -> Participant | None:
        """See the port."""
        found = await self.many(tenant, [participant_id])
        return found[0] if found else None

    async def many(self, tenant: str, participant_ids: Sequence[str]) -> tuple[Participant, ...]:
        """See the port."""
        return await self._participants(tenant, sql.MANY, list(participant_ids))

    async def page(
        self, tenant: str, wanted: ParticipantFilter, *, after: str, limit: int
    ) -> tuple[Participant, ...]:
        """See the port."""
        statuses = [status.value for status in wanted.statuses]
        kinds = sorted(wanted.types)
        return await self._participants(
            tenant, sql.PAGE, after, statuses, kinds, wanted.owner, limit
        )

    async def matching(
        self, tenant: str, need: Need, *, after: str, limit: int
    ) -> tuple[Participant, ...]:
        """See the port."""
        wanted = [("capability", name) for name in need.required_capabilities]
        wanted += [("data_domain", name) for name in need.data_domains]
        joined = wanted[: sql.MOST_JOINED]
        return await self._participants(
            tenant,
            sql.matching(len(joined)),
            *_fit(need),
            after,
            list(need.exclude),
            limit,
            *(part for edge in joined for part in edge),
        )

    async def near(self, tenant: str, need: Need, *, limit: int) -> tuple[Participant, ...]:
        """See the port."""
        statement = sql.NEAR if need.required_capabilities else sql.NEAR_ANY
        return await self._participants(tenant, statement, *_fit(need), list(need.exclude), limit)

    async def edges(
        self, tenant: str, wanted: EdgeFilter, *, after: tuple[str, ...], limit: int
    ) -> tuple[Edge, ...]:
        """See the port."""
        start = after or ("", "", "")
        kind = wanted.kind.value if wanted.kind is not None else ""
        arguments = [wanted.participant_id, kind, wanted.name, wanted.include_refused, limit]
        rows = await self._rows(tenant, sql.EDGES, *start, *arguments)
        return tuple(edge_of(row) for row in rows)

    async def waiting(
        self, tenant: str, participant_ids: Sequence[str], *, limit: int
    ) -> tuple[Directive, ...]:
        """See the port."""
        rows = await self._rows(tenant, sql.WAITING, list(participant_ids), limit)
        return tuple(directive_from(row) for row in rows)

    async def _participants(
        self, tenant: str, statement: str, *arguments: object
    ) -> tuple[Participant, ...]:
        rows = await self._rows(tenant, statement, *arguments)
        return tuple(participant_of(row) for row in rows)

    async def _rows(self, tenant: str, statement: str, *arguments: object) -> list[Any]:
        async with self._database.reading(tenant) as connection:
            raw = await driver(connection)
            return list(await raw.fetch(statement, tenant, *arguments))


class PostgresWorkers:
    """What spans tenants, as the worker role: implements `domain.ports.LeaseHolders`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> tuple[LeaseKey, ...]:
        """See the port."""
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            rows = await raw.fetch(sql.LEASE_HOLDERS)
        return tuple(LeaseKey(row["tenant"], row["id"], row["generation"]) for row in rows)

    async def tenants(self) -> list[str]:
        """The tenants in which anybody is here."""
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            return [row["tenant"] for row in await raw.fetch(sql.TENANTS)]

    async def forget_directives(self) -> None:
        """Remove directives that nobody will ask about any more."""
        now = self._database.clock.now()
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            await raw.execute(sql.FORGET_DIRECTIVES, now - KEPT_ACKNOWLEDGED, now - KEPT_WAITING)


def _fit(need: Need) -> list[object]:
    """The parameters that say who fits."""
    return [
        [status.value for status in need.statuses],
        list(need.required_capabilities),
        list(need.data_domains),
        need.task_type,
    ]
