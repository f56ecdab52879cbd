"""The databases that the predecessor of this release made: ``tests/contract/predecessor``."""

from __future__ import annotations

from pathlib import Path

import asyncpg

DUMPS = Path(__file__).parents[2] / "contract" / "predecessor"
SCHEMAS = ("registry", "assignment", "state", "governance")
TENANT = "acme"
"""The tenant with most of the data."""


async def load_predecessor(admin_url: str, *schemas: str) -> None:
    """Fill ``schemas``, which are there and empty, from the dumps; all of them by default."""
    for schema in schemas or SCHEMAS:
        connection = await asyncpg.connect(admin_url)
        try:
            await connection.execute((DUMPS / f"{schema}.sql").read_text())
        finally:
            await connection.close()
