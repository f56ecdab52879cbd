"""FollowParticipants: keeps the indexes of discovery in step with PostgreSQL.

What this replica commits is in its index at once. What another replica commits is read when its
event arrives. An event may be lost, so an index in use is compared with the rows every
`COMPARE_SECONDS`, and one that was compared longer than `STALE_SECONDS` ago is compared before it
answers: no replica answers from what is older.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.waiting.together import Together
from registry_svc.domain.discovery_index import DiscoveryIndex, Indexed, TenantIndex
from registry_svc.domain.ports import Unit
from registry_svc.usecases.context import RegistryContext, chunks
from registry_svc.usecases.discovery.follow_trust import FollowTrust

COMPARE_SECONDS: Final = 10.0
"""The interval at which an index in use is compared with the rows."""
STALE_SECONDS: Final = 20.0
"""The oldest comparison from which a search is answered."""
ROUND_SECONDS: Final = 5.0
"""The interval at which is looked which index is due."""
KEPT_SECONDS: Final = 600.0
"""How long an index is kept that nobody asks."""
ROWS: Final = 500
"""Rows that are read at once, some milliseconds of work."""
WAITING: Final = 1000
"""Searches that are answered by one loading, or one comparison."""
PLACED: Final = 1000
"""Participants that are placed without a break: heartbeats are taken meanwhile."""


@dataclass(slots=True)
class Followed:
    """The index of one tenant, when it was compared and when it was used (monotonic)."""

    index: TenantIndex
    retired: int
    """How many were RETIRED at the last comparison."""
    compared_at: float
    used_at: float


class FollowParticipants:
    """Loads indexes, reads the rows of changes, compares, and forgets what nobody uses."""

    def __init__(self, context: RegistryContext, index: DiscoveryIndex, trust: FollowTrust) -> None:
        self._context = context
        self._index = index
        self._trust = trust
        self._followed: dict[str, Followed] = {}
        # Rounds of their own: where a caller gives up, what it waited for goes on for the next.
        self._loads = Together(self._load_once, most=WAITING)
        self._comparisons = Together(self._compare_once, most=WAITING)

    async def ready(self, call: Call) -> TenantIndex:
        """The index of the call's tenant, as fresh as it has to be.

        Raises `Unavailable`, and `PolicyEngineUnavailable` where nobody says whom to trust.
        """
        tenant = call.tenant
        followed = self._followed.get(tenant) or await self._loads(tenant, None)
        followed.used_at = self._now()
        await self._compare_older(tenant, followed, STALE_SECONDS)
        await self._trust.complete(call, followed.index)
        await self._place_moved()
        return followed.index

    async def __call__(self) -> None:
        """Read what changed elsewhere, and compare. Raises `Unavailable`, and tries again."""
        await self._place_moved()
        for tenant, followed in list(self._followed.items()):
            unused = self._now() - followed.used_at
            if unused > KEPT_SECONDS or followed.index.sparse:
                self._drop(tenant)
                continue
            await self._read_uncertain(tenant, followed.index)
            if unused <= STALE_SECONDS:
                await self._compare_older(tenant, followed, COMPARE_SECONDS)

    async def _load_once(self, tenant: str, waiting: Sequence[None]) -> Sequence[Followed]:
        """Load the index of a tenant, unless those who came before had it loaded."""
        followed = self._followed.get(tenant)
        if followed is None:
            self._followed[tenant] = followed = await self._load(tenant)
        return [followed] * len(waiting)

    async def _load(self, tenant: str) -> Followed:
        # It follows commits from here on: a row that is read before such a one is older.
        index, begun = self._index.begin(tenant), self._now()
        try:
            async with self._reading(tenant) as unit:
                retired = (await unit.index_totals()).retired
            async for rows in self._rows(tenant):
                index.put(rows)
        except BaseException:
            self._index.drop(tenant)
            raise
        return Followed(index, retired, compared_at=begun, used_at=self._now())

    async def _rows(self, tenant: str) -> AsyncIterator[Sequence[Indexed]]:
        after = ""
        while True:
            async with self._reading(tenant) as unit:
                rows = await unit.indexed_after(after, limit=ROWS)
            yield rows
            if len(rows) < ROWS:
                return
            after = rows[-1].participant_id

    async def _compare_older(self, tenant: str, followed: Followed, age: float) -> None:
        """Compare an index whose last comparison is older than ``age`` seconds."""
        if self._now() - followed.compared_at >= age:
            await self._comparisons(tenant, (followed, age))

    async def _compare_once(
        self, tenant: str, asked: Sequence[tuple[Followed, float]]
    ) -> Sequence[None]:
        for followed, age in asked:
            if self._now() - followed.compared_at >= age:
                await self._compare(tenant, followed)
        return [None] * len(asked)

    async def _compare(self, tenant: str, followed: Followed) -> None:
        begun = self._now()
        async with self._reading(tenant) as unit:
            totals = await unit.index_totals()
        if (totals.present, totals.retired) != (followed.index.totals, followed.retired):
            await self._repair(tenant, followed.index)
        followed.retired, followed.compared_at = totals.retired, begun

    async def _repair(self, tenant: str, index: TenantIndex) -> None:
        """Find every participant whose row is another than the index has, and read it."""
        known: set[str] = set()
        changed: set[str] = set()
        after: str | None = ""
        while after is not None:
            async with self._reading(tenant) as unit:
                found = await unit.versions_after(after, limit=ROWS)
            known.update(participant_id for participant_id, _ in found)
            changed.update(name for name, version in found if version > index.version(name))
            after = found[-1][0] if len(found) == ROWS else None
        self._index.uncertain(tenant, changed | index.missing(known))
        await self._read_uncertain(tenant, index)

    async def _read_uncertain(self, tenant: str, index: TenantIndex) -> None:
        uncertain = self._index.take_uncertain(tenant)
        try:
            for chunk in chunks(sorted(uncertain), ROWS):
                await self._read(tenant, index, chunk)
        except BaseException:
            self._index.uncertain(tenant, uncertain)
            raise

    async def _read(self, tenant: str, index: TenantIndex, ids: Sequence[str]) -> None:
        before = {one: index.version(one) for one in ids}
        async with self._reading(tenant) as unit:
            rows = await unit.indexed_of(ids)
        index.put(rows)
        gone = before.keys() - {row.participant_id for row in rows}
        # One that was registered after the reading is there, and was put by its commit.
        index.remove(one for one in gone if index.version(one) == before[one])

    async def _place_moved(self) -> None:
        more = True
        while more:
            more = self._index.place_moved(PLACED) == PLACED
            if more:
                await asyncio.sleep(0)

    def _drop(self, tenant: str) -> None:
        self._followed.pop(tenant, None)
        self._index.drop(tenant)

    def _reading(self, tenant: str) -> AbstractAsyncContextManager[Unit]:
        return self._context.units.reading(self._context.own_call(tenant))

    def _now(self) -> float:
        return self._context.clock.monotonic()
