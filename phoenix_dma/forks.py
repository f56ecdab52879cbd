"""What was made in one process is refused in a process forked from it, at once and in words.

A fork copies the memory and only one thread: no event loop of ours runs in the child, nor gRPC's
threads. A call there would wait for ever.
"""

from __future__ import annotations

import os
from typing import Final

REMEDY: Final = (
    "Use the client in the process that made it, or start the child with "
    'multiprocessing.get_context("spawn") and make a client there'
)


class ForkedProcess(RuntimeError):
    """A client, a task or a connection is used in a process that was forked after it was made."""


class OwnProcess:
    """Remembers the process in which it was made."""

    __slots__ = ("_pid",)

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def left(self) -> bool:
        """True in a process that was forked from that one."""
        return os.getpid() != self._pid

    def require(self, what: str) -> None:
        """Raise `ForkedProcess`, naming ``what``, in a process that was forked from that one."""
        if self.left:
            raise ForkedProcess(
                f"{what} belongs to process {self._pid} and cannot be used in process "
                f"{os.getpid()}, which was forked from it. {REMEDY}."
            )


_grpc_used: list[OwnProcess] = []


def require_usable_grpc() -> None:
    """Raise `ForkedProcess` where gRPC was used before this process was forked."""
    if not _grpc_used:
        _grpc_used.append(OwnProcess())
    _grpc_used[0].require("gRPC, once used,")
