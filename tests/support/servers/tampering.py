"""Changes to a ledger past its own service, as whoever owns the schema could make them."""

import asyncpg

from tests.support.servers.postgres import PostgresServer


async def tamper(postgres: PostgresServer, tenant: str, statement: str) -> None:
    """Run ``statement`` in ``tenant`` as the schema's owner, with row-level security set aside.

    It calls the table ``e`` and ends in a condition.
    """
    connection = await asyncpg.connect((await postgres.urls("governance")).owner)
    try:
        async with connection.transaction():
            await connection.execute(
                "ALTER TABLE governance.ledger_events NO FORCE ROW LEVEL SECURITY"
            )
            await connection.execute(f"{statement} AND e.tenant = '{tenant}'")
            await connection.execute(
                "ALTER TABLE governance.ledger_events FORCE ROW LEVEL SECURITY"
            )
    finally:
        await connection.close()
