"""Compares the schemas in a database with the revisions that this release's services bring.

The services upgrade their schemas themselves when they start. Asked before anything is started,
this says which ones they will upgrade, and refuses a database that a newer release wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from phoenix_runtime.chassis.data.schema_revisions import SchemaTooNew, revisions, written_by
from phoenix_runtime.local.errors import LocalRuntimeError

CURRENT = "SELECT version_num FROM {schema}.alembic_version"
COMMENT = "SELECT obj_description($1::regnamespace)"


class DataTooNew(LocalRuntimeError):
    """A newer release wrote the database."""

    reason = "DATA_TOO_NEW"
    remedy = "Install the release that is named; the data stays as it is."


@dataclass(frozen=True, slots=True)
class PendingUpgrade:
    """A schema that a service will bring from revision ``before`` to ``after``."""

    schema: str
    before: str
    after: str

    def __str__(self) -> str:
        """Return the sentence that `phoenix-dma up` prints once it is done."""
        return f"upgraded {self.schema} schema {self.before} → {self.after}"


async def pending_upgrades(admin_url: str, schemas: Iterable[str]) -> list[PendingUpgrade]:
    """Return which of ``schemas`` have tables of an older revision; new ones are left out.

    Raises `DataTooNew`, with the version to install, where a revision is unknown here.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        found = [await _pending(connection, schema) for schema in schemas]
    except SchemaTooNew as error:
        raise DataTooNew(str(error), {"schema": error.schema, "revision": error.found}) from error
    finally:
        await connection.close()
    return [upgrade for upgrade in found if upgrade is not None]


async def _pending(connection: asyncpg.Connection, schema: str) -> PendingUpgrade | None:
    known = revisions(f"{schema}_svc")
    if await connection.fetchval("SELECT to_regclass($1)", f"{schema}.alembic_version") is None:
        return None
    before = await connection.fetchval(CURRENT.format(schema=schema))
    if before is None or before == known[-1]:
        return None
    if before not in known:
        writer = written_by(await connection.fetchval(COMMENT, schema))
        raise SchemaTooNew(schema, before, known[-1], writer=writer)
    return PendingUpgrade(schema, before, known[-1])
