"""Translates database errors into refusals: unavailable, or a conflict between transactions."""

from typing import Final

import asyncpg

from phoenix_runtime.core.errors import Refused, Unavailable

CONFLICTS: Final = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock timeout."""

AWAY: Final = ("08", "53", "57", "58", "25P03", "25P04")
"""Connection lost, out of resources, shut down or cancelled, system error; and a transaction that
the server gave up because this process was too slow for it."""
CLOSED_HANDLE: Final = "the handler is closed"
"""What uvloop says of a connection that is gone, by a RuntimeError."""


class TransactionConflict(Unavailable):
    """Another transaction changed the same rows at the same time; this one was rolled back."""

    remedy = "Retry after the delay given; nothing was changed."


def refusal_for(error: BaseException) -> Refused | None:
    """The refusal that ``error`` means; None for an error of this program, or of another kind."""
    state = sqlstate(error)
    if state in CONFLICTS:
        return TransactionConflict("Another transaction changed the same rows at the same time")
    if state.startswith(AWAY) or _lost(error):
        return Unavailable("The database is unavailable; try again")
    return None


def sqlstate(error: BaseException) -> str:
    """The five characters by which PostgreSQL names an error; empty where it named none."""
    return str(getattr(error, "sqlstate", None) or "")


def _lost(error: BaseException) -> bool:
    """Whether the connection, not the statement, is at fault."""
    if isinstance(error, asyncpg.InternalClientError | asyncpg.InvalidCachedStatementError):
        # The server ended an idle connection, or a migration changed a prepared statement's tables.
        return True
    if isinstance(error, asyncpg.InterfaceError):
        # Closed or closing; the same class also names mistakes in the call itself.
        return "clos" in str(error)
    if isinstance(error, RuntimeError):
        return CLOSED_HANDLE in str(error)
    return isinstance(error, OSError)  # TimeoutError is one: the server does not answer
