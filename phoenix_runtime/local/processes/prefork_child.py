"""The process behind `PreforkServer`; it is run with the services and the number of its socket.

It imports what they import, forks a process for each request, and reports which ended. The forked
process returns out of `serve` and becomes the service.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

from phoenix_runtime.local.processes import parent_death

PACKET: Final = 1 << 18
"""The largest request or report, in bytes."""
PR_SET_NAME: Final = 15
SHARED: Final = (
    "alembic.command",
    "google.api.annotations_pb2",
    "grpc.aio",
    "grpc_health.v1.health",
    "grpc_reflection.v1alpha.reflection",
    "phoenix_dma.v1.assignment_pb2_grpc",
    "phoenix_dma.v1.approval_pb2_grpc",
    "phoenix_dma.v1.audit_pb2_grpc",
    "phoenix_dma.v1.gateway_pb2_grpc",
    "phoenix_dma.v1.governance_pb2_grpc",
    "phoenix_dma.v1.handoff_pb2_grpc",
    "phoenix_dma.v1.identity_pb2_grpc",
    "phoenix_dma.v1.registry_pb2_grpc",
    "phoenix_dma.v1.session_pb2_grpc",
    "phoenix_dma.v1.state_pb2_grpc",
    "phoenix_runtime.chassis.resources",
    "phoenix_runtime.chassis.server",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "starlette.applications",
    "starlette.routing",
    "uvicorn",
    "uvloop",
)
"""What services import, partly when they run only; none of it starts a thread."""


class PreforkChild:
    """Forks services on request; one thread, no event loop."""

    def __init__(self, channel: socket.socket) -> None:
        """Take the socket to the runtime."""
        self._channel = channel
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)

    def serve(self) -> dict[str, Any]:
        """Fork until the runtime closes the socket; in a forked process return the request."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake)
        while True:
            listening = self._channel.fileno()
            ready, _, _ = select.select([listening, self._woken], [], [])
            if self._woken in ready:
                self._reap()
            if listening in ready:
                packet = self._channel.recv(PACKET)
                if not packet:
                    sys.exit()
                request: dict[str, Any] = json.loads(packet)
                if self._fork(request):
                    return request

    def _fork(self, request: dict[str, Any]) -> bool:
        """Fork; return True in the forked process."""
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._report({"name": request["name"], "pid": pid})
            return False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (self._woken, self._wake):
            os.close(descriptor)
        self._channel.close()
        os.setsid()
        parent_death.die_with(parent, signal.SIGTERM)
        return True

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 512)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                self._report({"pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def _report(self, event: dict[str, Any]) -> None:
        # A broken pipe means that the runtime is gone, and the reaper stops what is left.
        with contextlib.suppress(BrokenPipeError):
            self._channel.send(json.dumps(event).encode())


def become(request: dict[str, Any]) -> None:
    """Turn this process into the service: its log, its environment, its name, its module."""
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for output in (1, 2):
        os.dup2(log, output)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["environment"])
    # What `ps -o comm` and `top` show.
    ctypes.CDLL(None).prctl(PR_SET_NAME, request["name"].encode()[:15], 0, 0, 0)
    sys.argv[1:] = []
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def import_services(modules: Iterable[str]) -> None:
    """Import what running ``modules`` (``python -m``) imports.

    An import counts references in what is imported already, which copies its pages after a fork:
    services that import their own modules have 10 to 30 MB more, each. What a service cannot import
    it says in its own log, when it is run.
    """
    for module in modules:
        with contextlib.suppress(Exception):
            import_module(f"{module}.__main__")
        sys.modules.pop(f"{module}.__main__", None)  # it is run anew


def main() -> None:
    """Import, then serve; only a forked process returns from serving."""
    *services, handle = sys.argv[1:]
    channel = socket.socket(fileno=int(handle))
    for name in SHARED:
        import_module(name)
    import_services(services)
    gc.collect()
    # For good, in the services, too: a collection there would copy every page that it looks at, and
    # leave each service 40 MB of its own.
    gc.freeze()
    become(PreforkChild(channel).serve())


if __name__ == "__main__":
    main()
