"""Says which connection failed, or what the machine refused, while a runtime starts.

Whatever a part, a server of one's own or the network between does meanwhile is told as every other
error of a start is; a traceback is for faults of this program.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from phoenix_runtime.local.errors import FOLDER_ERRORS, LocalRuntimeError

LIBRARIES: Final = frozenset({"asyncpg", "grpc", "httpcore", "httpx", "redis"})
"""The libraries whose errors are those of a server, or of the way to it."""
LIMITS: Final = frozenset(
    {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPERM, errno.EACCES}
)
"""The numbers of errors that no connection has."""


class ConnectionFailed(LocalRuntimeError):
    """A connection to a part, or to a server of one's own, could not be made, or broke."""

    reason = "CONNECTION_FAILED"
    remedy = (
        "See to the part or the server that is named, to its log and to the network between; then "
        "start again. `phoenix-dma doctor` says what else is wrong."
    )


class SystemRefused(LocalRuntimeError):
    """The operating system refused a process, a descriptor or memory."""

    reason = "SYSTEM_REFUSED"
    remedy = (
        "See to the machine's limits (`ulimit -a`) and permissions, then start again; `phoenix-dma "
        "doctor` says what else is wrong."
    )


@contextmanager
def said_as_connection(doing: str) -> Iterator[None]:
    """Around work over connections; raises `ConnectionFailed` or `SystemRefused` for its faults.

    An OSError of a file or of its disk is left for `DataFolder.usable`.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno in FOLDER_ERRORS:
            raise
        why = words_of(error)
        if error.errno in LIMITS:
            raise SystemRefused(f"{doing}: the machine refuses it: {why}") from error
        raise ConnectionFailed(f"{doing}: the connection failed: {why}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in LIBRARIES:
            raise
        raise ConnectionFailed(f"{doing}: the connection failed: {words_of(error)}") from error


def words_of(error: BaseException) -> str:
    """Return what an error says, or its name where it says nothing, as a time-out."""
    details = getattr(error, "details", None)
    said = details() if callable(details) else str(error)
    return str(said).strip() or type(error).__name__
