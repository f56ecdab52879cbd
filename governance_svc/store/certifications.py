"""Certifications as rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, select

from governance_svc.domain.trust.certification import Certification
from governance_svc.store.tables import certifications
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.chassis.data.statements import one_of
from phoenix_runtime.core.pages import Page, PageRequest

MAPPER: Final = RowMapper(Certification)

UNREVOKED: Final = (
    select(certifications)
    .where(
        certifications.c.tenant == bindparam("tenant"),
        one_of(certifications.c.participant_id, "participants"),
        certifications.c.revoked_at.is_(None),
    )
    .order_by(certifications.c.granted_at)
)


class CertificationTable(TenantRows):
    """Implements `domain.rows.Certifications`."""

    async def lock_certification(self, certification_id: str) -> Certification | None:
        """One certification, locked until the end of the unit."""
        row = await self._find(certifications, lock=True, certification_id=certification_id)
        return None if row is None else MAPPER.value(row)

    async def unrevoked_certifications(
        self, participants: Sequence[str]
    ) -> Mapping[str, tuple[Certification, ...]]:
        """The certifications of ``participants`` that are not revoked, oldest first, by holder."""
        parameters = {"tenant": self.tenant, "participants": list(participants)}
        held: dict[str, tuple[Certification, ...]] = defaultdict(tuple)
        for row in await self._all(UNREVOKED, parameters):
            held[row["participant_id"]] += (MAPPER.value(row),)
        return held

    async def list_certifications(
        self, participant_id: str, page: PageRequest
    ) -> Page[Certification]:
        """Certifications of one participant, or of all where empty, newest first."""
        statement = select(certifications).where(self._matching(certifications))
        if participant_id:
            statement = statement.where(certifications.c.participant_id == participant_id)
        keys = (certifications.c.granted_at, certifications.c.certification_id)
        rows = await self._all(newest_first(statement, keys, page))
        return page_of(
            [MAPPER.value(row) for row in rows],
            page,
            lambda one: (one.granted_at, one.certification_id),
            await self._total(statement, page),
        )

    async def add_certification(self, certification: Certification) -> None:
        """Insert a certification."""
        await self._insert(certifications, MAPPER.row(certification))

    async def save_certification(self, certification: Certification) -> None:
        """Write back a locked certification."""
        row = MAPPER.row(certification)
        await self._update(certifications, {"certification_id": row.pop("certification_id")}, row)
