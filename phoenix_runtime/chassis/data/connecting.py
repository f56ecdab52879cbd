"""Makes the connections of one role."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg
import structlog

from phoenix_runtime.chassis.data.connection import PooledConnection
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.pool import Pool
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.waiting.server_watch import ServerWatch

log = structlog.get_logger(__name__)

STATEMENTS: Final = 500
"""Statements that a connection keeps prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """How the pool of one role behaves."""

    name: str = "phoenix-dma"
    """What the server's list of sessions shows."""
    pool: int = 10
    """Connections at most."""
    checkout_timeout: timedelta = timedelta(seconds=5)
    """How long a transaction waits for a free connection."""
    response_timeout: timedelta = timedelta(seconds=2.5)
    """How long a connection may take to be made, or to answer what opens a transaction or sets the
    session, which waits for no lock: it detects an unreachable server long before the time-out of a
    statement."""
    statement_timeout: timedelta = timedelta(seconds=10)
    """How long one statement may run."""
    lock_timeout: timedelta = timedelta(seconds=5)
    """How long a statement waits for a row's lock."""
    durable: bool = True
    """Whether a commit waits for the disk. A claim need not: one that a crash loses is only made
    again."""


def create_database(url: str, *, clock: Clock, options: DatabaseOptions | None = None) -> Database:
    """The connections to the server and role of ``url`` (``postgresql://…``), made when needed."""
    chosen = options or DatabaseOptions()
    arguments = _connect_arguments(chosen)

    async def connect() -> PooledConnection:
        made = await asyncpg.connect(url, connection_class=PooledConnection, **arguments)
        try:
            await made.describe_types()
        except BaseException:
            made.terminate()
            raise
        return made

    async def reach() -> None:
        # `ServerWatch` is the one that gives up.
        patience = 2 * chosen.response_timeout.total_seconds()
        name = {"application_name": f"{chosen.name}-watch"}
        made = await asyncpg.connect(url, timeout=patience, server_settings=name)
        made.terminate()

    def told(silent: bool) -> None:  # noqa: FBT001  # as `ServerWatch` calls it
        log.warning("database_silent" if silent else "database_answers", pool=chosen.name)

    pool = Pool(
        connect,
        ServerWatch(reach, chosen.response_timeout, told),
        size=chosen.pool,
        response_timeout=chosen.response_timeout,
        checkout_timeout=chosen.checkout_timeout,
    )
    return Database(pool, clock=clock)


def _connect_arguments(options: DatabaseOptions) -> dict[str, Any]:
    return {
        "timeout": options.response_timeout.total_seconds(),
        # Longer than the server's own limit: it only detects a server that has stopped answering.
        "command_timeout": options.statement_timeout.total_seconds() + 5,
        "statement_cache_size": STATEMENTS,
        "max_cached_statement_lifetime": 0,
        "server_settings": {
            "application_name": options.name,
            "statement_timeout": _milliseconds(options.statement_timeout),
            "lock_timeout": _milliseconds(options.lock_timeout),
            "idle_in_transaction_session_timeout": _milliseconds(options.statement_timeout * 3),
            "timezone": "UTC",
            "jit": "off",
            "default_transaction_isolation": "read committed",
            **({} if options.durable else {"synchronous_commit": "off"}),
        },
    }


def _milliseconds(length: timedelta) -> str:
    return str(int(length.total_seconds() * 1000))
