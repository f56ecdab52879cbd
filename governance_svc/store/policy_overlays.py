"""Policy overlays, and which of them decides, as rows."""

from typing import Final

from sqlalchemy import bindparam, func, select

from governance_svc.domain.policy.activation import PolicyHead
from governance_svc.domain.policy.overlay import StoredOverlay
from governance_svc.store.tables import policy_heads, policy_overlays
from phoenix_runtime.chassis.data.database_errors import TransactionConflict
from phoenix_runtime.chassis.data.mapper import JSON_TEXT, RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.core.pages import Page, PageRequest

MAPPER: Final = RowMapper(StoredOverlay, codecs={"document": JSON_TEXT})
HEADS: Final = RowMapper(PolicyHead)

COUNT: Final = select(func.count().label("overlays")).where(
    policy_overlays.c.tenant == bindparam("tenant")
)
OVERLAY: Final = (
    select(policy_overlays)
    .where(
        policy_overlays.c.tenant == bindparam("tenant"),
        policy_overlays.c.overlay_revision == bindparam("overlay_revision"),
    )
    .order_by(policy_overlays.c.number.desc())
    .limit(1)
)


class PolicyOverlayTables(TenantRows):
    """Implements `domain.rows.PolicyOverlays`."""

    async def find_overlay(self, overlay_revision: str) -> StoredOverlay | None:
        """The newest upload of an overlay."""
        parameters = {"tenant": self.tenant, "overlay_revision": overlay_revision}
        row = await self._first(OVERLAY, parameters)
        return None if row is None else MAPPER.value(row)

    async def overlay_count(self) -> int:
        """How many overlays were uploaded."""
        row = await self._first(COUNT, {"tenant": self.tenant})
        return 0 if row is None else int(row["overlays"])

    async def list_overlays(self, page: PageRequest) -> Page[StoredOverlay]:
        """Overlays, newest first."""
        statement = select(policy_overlays).where(self._matching(policy_overlays))
        keys = (policy_overlays.c.uploaded_at, policy_overlays.c.overlay_revision)
        rows = await self._all(newest_first(statement, keys, page))
        return page_of(
            [MAPPER.value(row) for row in rows],
            page,
            lambda one: (one.uploaded_at, one.overlay_revision),
            await self._total(statement, page),
        )

    async def add_overlay(self, overlay: StoredOverlay) -> None:
        """Insert an overlay; raises `TransactionConflict` where another call was faster."""
        if not await self._insert_if_absent(policy_overlays, MAPPER.row(overlay)):
            raise TransactionConflict("Another call uploaded an overlay at the same moment")

    async def find_policy_head(self) -> PolicyHead | None:
        """Which overlay decides; None before the first."""
        row = await self._find(policy_heads)
        return None if row is None else HEADS.value(row)

    async def lock_policy_head(self) -> PolicyHead | None:
        """Which overlay decides, locked until the end of the unit; None before the first."""
        row = await self._find(policy_heads, lock=True)
        return None if row is None else HEADS.value(row)

    async def save_policy_head(self, head: PolicyHead) -> None:
        """Write which overlay decides; raises `TransactionConflict` where another was faster."""
        row = HEADS.row(head)
        if head.version == 1:
            if not await self._insert_if_absent(policy_heads, row):
                raise TransactionConflict("Another call activated a policy at the same moment")
        else:
            await self._update(policy_heads, {}, row)
