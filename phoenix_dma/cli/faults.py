"""Says what the network, a disk or a permission refused a command, whichever command it was.

What a command itself expects it tells more precisely; this is for the rest, so that none ends with
a traceback for what its user can mend.
"""

from __future__ import annotations

import errno
from typing import Final

from phoenix_dma.cli.calls import code_of
from phoenix_dma.cli.output import REFUSED, UNREACHABLE, WRONG, discard_output
from phoenix_dma.cli.which_runtime import up_line
from phoenix_dma.errors import PhoenixError, Unavailable

NETWORK: Final = frozenset(
    getattr(errno, name)
    for name in (
        *("EADDRINUSE", "EADDRNOTAVAIL", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETRESET", "ENETUNREACH", "ENOTCONN"),
        *("EPROTO", "ESHUTDOWN", "ETIMEDOUT"),
    )
)
"""The numbers of errors of connections."""
DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG})
"""Errors of what is written; where no file is named it is the command's own output."""
CLIENTS: Final = frozenset({"asyncpg", "grpc", "httpcore", "httpx", "redis"})
"""The libraries whose errors are those of a server, or of the way to it."""


class FileUnusable(PhoenixError):
    """A file or a folder cannot be read or written."""

    reason = "FILE_UNUSABLE"
    remedy = "See that it is there, yours, can be written to and has space; then try again."


class SystemRefused(PhoenixError):
    """The operating system refused something that is neither a file nor a connection."""

    reason = "SYSTEM_REFUSED"
    remedy = (
        "See to the machine's limits (`ulimit -a`) and permissions; `phoenix-dma doctor` says what "
        "else is wrong."
    )


def told(error: BaseException) -> tuple[PhoenixError, int] | None:
    """``error`` as a refusal, with its exit code; None for what is no fault of the machine."""
    if isinstance(error, PhoenixError):
        return error, code_of(error)
    if type(error).__module__.partition(".")[0] in CLIENTS:
        return _unreachable(f"{type(error).__name__}: {str(error).strip() or 'no more is known'}")
    if not isinstance(error, OSError) or isinstance(error, BrokenPipeError):
        return None  # whoever read the output has seen enough, which the parser ends quietly
    return _refused(error)


def _refused(error: OSError) -> tuple[PhoenixError, int]:
    why = (error.strerror or str(error) or type(error).__name__).lower()
    if error.filename is not None:
        text = f"{_name(error.filename)} cannot be used: {why}"
        return FileUnusable(text, {"path": _name(error.filename)}), WRONG
    if error.errno in DISK:
        discard_output()
        return FileUnusable(f"the output cannot be written: {why}"), WRONG
    # A socket's own errors: a name that is not known, a certificate.
    of_sockets = type(error).__module__ in {"socket", "ssl"}
    if of_sockets or error.errno in NETWORK or isinstance(error, ConnectionError | TimeoutError):
        return _unreachable(why)
    return SystemRefused(f"the machine refuses it: {why}"), REFUSED


def _unreachable(why: str) -> tuple[PhoenixError, int]:
    text = f"the connection failed: {why}"
    remedy = f"See that the runtime is up (`phoenix-dma status`, `{up_line()}`), then try again."
    return Unavailable(text, remedy=remedy), UNREACHABLE


def _name(name: str | bytes | int) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
