"""What the index of discovery reads of one tenant."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Integer, Select, Text, any_, bindparam, cast, func, not_, select
from sqlalchemy.dialects.postgresql import ARRAY

from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.rows import TenantRows
from registry_svc.domain.discovery_index import Indexed, IndexTotals, RowTotals
from registry_svc.domain.lifecycle import RETIRED
from registry_svc.store.tables import participants

MAPPER: Final = RowMapper(Indexed)
_COLUMNS: Final = tuple(participants.c[name] for name in MAPPER.columns)
_OF_TENANT: Final = participants.c.tenant == bindparam("tenant")
_NOT_RETIRED: Final = participants.c.status != RETIRED.value


def _after(selected: Select[Any]) -> Select[Any]:
    return (
        selected.where(
            _OF_TENANT, _NOT_RETIRED, participants.c.participant_id > bindparam("after", type_=Text)
        )
        .order_by(participants.c.participant_id)
        .limit(bindparam("most", type_=Integer))
    )


INDEXED_AFTER: Final = _after(select(*_COLUMNS))
VERSIONS_AFTER: Final = _after(select(participants.c.participant_id, participants.c.version))
INDEXED_OF: Final = select(*_COLUMNS).where(
    _OF_TENANT, participants.c.participant_id == any_(bindparam("ids", type_=ARRAY(Text)))
)
TOTALS: Final = select(
    func.count().filter(_NOT_RETIRED).label("participants"),
    cast(func.coalesce(func.sum(participants.c.version).filter(_NOT_RETIRED), 0), BigInteger).label(
        "versions"
    ),
    func.count().filter(not_(_NOT_RETIRED)).label("retired"),
).where(_OF_TENANT)


class IndexQueries(TenantRows):
    """Implements `domain.ports.IndexRows`."""

    async def indexed_after(self, participant_id: str, *, limit: int) -> Sequence[Indexed]:
        """See the port."""
        rows = await self._all(INDEXED_AFTER, self._page(participant_id, limit))
        return [MAPPER.value(row) for row in rows]

    async def indexed_of(self, participant_ids: Sequence[str]) -> Sequence[Indexed]:
        """See the port."""
        ids = {"tenant": self.tenant, "ids": list(participant_ids)}
        return [MAPPER.value(row) for row in await self._all(INDEXED_OF, ids)]

    async def versions_after(self, participant_id: str, *, limit: int) -> Sequence[tuple[str, int]]:
        """See the port."""
        rows = await self._all(VERSIONS_AFTER, self._page(participant_id, limit))
        return [(row["participant_id"], row["version"]) for row in rows]

    async def index_totals(self) -> RowTotals:
        """See the port."""
        (row,) = await self._all(TOTALS, {"tenant": self.tenant})
        return RowTotals(IndexTotals(row["participants"], row["versions"]), row["retired"])

    def _page(self, after: str, limit: int) -> Mapping[str, object]:
        return {"tenant": self.tenant, "after": after, "most": limit}
