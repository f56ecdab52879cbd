"""Certifications in their table."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, tuple_

from governance_svc.domain.trust.certification import Certification, Method
from governance_svc.store.positions import moment_position, page_of
from governance_svc.store.tables import certification as table
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.documents import time_text
from phoenix_runtime.core.pages import Page, PageRequest


def certification_values(tenant: str, certification: Certification) -> dict[str, Any]:
    """The row of a certification."""
    return {
        "tenant": tenant,
        "certification_id": certification.certification_id,
        "participant_id": certification.participant_id,
        "capability": certification.capability,
        "method": certification.method.value,
        "evidence": certification.evidence,
        "coverage": certification.coverage,
        "granted_by": certification.granted_by,
        "grant_time": certification.grant_time,
        "expire_time": certification.expire_time,
        "revoke_time": certification.revoke_time,
        "event_id": certification.event_id,
        "version": certification.version,
    }


def certification_of(row: Mapping[str, Any]) -> Certification:
    """The certification in a row."""
    fields = {name: value for name, value in row.items() if name not in {"tenant", "method"}}
    return Certification(**fields, method=Method(row["method"]))


class PostgresCertifications:
    """Implements `CertificationReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, tenant: str, participant_id: str, page: PageRequest
    ) -> Page[Certification]:
        """Certifications, newest first; lapsed and revoked ones too."""
        query = select(table).where(table.c.tenant == tenant)
        if participant_id:
            query = query.where(table.c.participant_id == participant_id)
        if page.after:
            position = moment_position(page.after)
            place = tuple_(table.c.grant_time, table.c.certification_id)
            query = query.where(place < tuple_(*position))
        order = (table.c.grant_time.desc(), table.c.certification_id.desc())
        async with self._database.reading(tenant) as connection:
            found = await connection.execute(query.order_by(*order).limit(page.size + 1))
            items = [certification_of(dict(row)) for row in found.mappings()]
        return page_of(items, page, lambda c: (time_text(c.grant_time), c.certification_id))
