"""Translates database errors into refusals: unavailable, or a conflict between transactions."""

from typing import Final

import asyncpg
import sqlalchemy.exc

from phoenix_runtime.core.errors import Refused, Unavailable

CONFLICTS: Final = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock timeout."""

AWAY: Final = ("08", "53", "57", "58")
"""Connection lost, out of resources, shut down or cancelled, system error."""


class TransactionConflict(Unavailable):
    """Another transaction changed the same rows at the same time; this one was rolled back."""

    remedy = "Retry after the delay given; nothing was changed."


def refusal_for(error: BaseException) -> Refused | None:
    """The refusal that ``error`` means; None for an error of this program, or of another kind."""
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return Unavailable("The database is busy: no connection was free in time")
    state = sqlstate(error)
    if state in CONFLICTS:
        return TransactionConflict("Another transaction changed the same rows at the same time")
    if state.startswith(AWAY) or _lost(error):
        return Unavailable("The database is unavailable; try again")
    return None


def sqlstate(error: BaseException) -> str:
    """The five characters by which PostgreSQL names an error; empty where it named none."""
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or "")


def constraint(error: BaseException) -> str:
    """The name of the constraint that a statement violated; empty where it was none.

    Takes what SQLAlchemy raises (``IntegrityError``) as well as what asyncpg raises.
    """
    cause: BaseException | None = error
    while cause is not None:
        name = getattr(cause, "constraint_name", None)
        if name:
            return str(name)
        orig = getattr(cause, "orig", None)
        cause = orig if isinstance(orig, BaseException) else cause.__cause__
    return ""


def _lost(error: BaseException) -> bool:
    """Whether the connection, not the statement, is at fault."""
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return error.connection_invalidated
    if isinstance(error, asyncpg.InternalClientError | asyncpg.InvalidCachedStatementError):
        # The server ended an idle connection, or a migration changed a prepared statement's tables.
        return True
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # the same class also names mistakes in the call itself
    return isinstance(error, OSError)  # TimeoutError is one: the server does not answer
