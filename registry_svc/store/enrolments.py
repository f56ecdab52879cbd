"""The issuer's records of one tenant."""

from typing import Final

from sqlalchemy import Text, bindparam, func, select

from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.core.pages import Page, PageRequest
from registry_svc.domain.identity.records import Enrolment, EnrolmentFilter
from registry_svc.store.tables import enrolments

MAPPER: Final = RowMapper(Enrolment)
OF_IDENTITY: Final = (
    select(enrolments)
    .where(
        enrolments.c.tenant == bindparam("tenant"),
        enrolments.c.identity == bindparam("identity"),
    )
    .order_by(enrolments.c.created_at, enrolments.c.enrolment_id)
)
LOCKED_OF_IDENTITY: Final = OF_IDENTITY.with_for_update()
LOCK_IDENTITY: Final = select(
    func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), 0))
)


class EnrolmentTable(TenantRows):
    """Implements `domain.ports.Enrolments`."""

    async def lock_new_identity(self, identity: str) -> None:
        """See the port. An advisory lock: there may be no row to lock."""
        name = f"registry.identity/{self.tenant}/{identity}"
        await self.connection.run(LOCK_IDENTITY, {"name": name})

    async def save_enrolment(self, enrolment: Enrolment) -> None:
        """See the port."""
        await self._upsert(enrolments, MAPPER.row(enrolment))

    async def find_enrolment(self, enrolment_id: str) -> Enrolment | None:
        """See the port."""
        row = await self._find(enrolments, enrolment_id=enrolment_id)
        return None if row is None else MAPPER.value(row)

    async def lock_enrolment(self, enrolment_id: str) -> Enrolment | None:
        """See the port."""
        row = await self._find(enrolments, lock=True, enrolment_id=enrolment_id)
        return None if row is None else MAPPER.value(row)

    async def enrolments_of(self, identity: str) -> tuple[Enrolment, ...]:
        """See the port."""
        rows = await self._all(OF_IDENTITY, {"tenant": self.tenant, "identity": identity})
        return tuple(MAPPER.value(row) for row in rows)

    async def lock_enrolments_of(self, identity: str) -> tuple[Enrolment, ...]:
        """See the port."""
        rows = await self._all(LOCKED_OF_IDENTITY, {"tenant": self.tenant, "identity": identity})
        return tuple(MAPPER.value(row) for row in rows)

    async def list_enrolments(self, wanted: EnrolmentFilter, page: PageRequest) -> Page[Enrolment]:
        """See the port."""
        statement = select(enrolments).where(self._matching(enrolments))
        if wanted.identity:
            statement = statement.where(enrolments.c.identity == wanted.identity)
        if wanted.kinds:
            kinds = sorted(kind.value for kind in wanted.kinds)
            statement = statement.where(enrolments.c.kind.in_(kinds))
        keys = (enrolments.c.created_at, enrolments.c.enrolment_id)
        rows = await self._all(newest_first(statement, keys, page))
        found = [MAPPER.value(row) for row in rows]
        total = await self._total(statement, page)
        return page_of(found, page, lambda one: (one.created_at, one.enrolment_id), total)
