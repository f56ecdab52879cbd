"""Forks the runtime's Python services from one process that has imported what they import.

The imports take each service more than a second of processor time; a fork takes a millisecond, and
what is imported before it is in memory once. The services stay processes of their own, each with
its own log, session, environment and exit code. The child that forks has one thread and no
descriptor but its socket, so a fork copies nothing that is half done: it imports gRPC and never
starts it. Linux only; elsewhere each service is started by itself.

The socket carries one JSON object a packet. A request holds ``name``, ``module``, ``environment``
and ``log``. The child answers with ``name`` and ``pid`` of what it forked, and later reports the
``pid`` and the ``code`` of what ended (codes as in ``subprocess``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from phoenix_runtime.local.processes import prefork_child
from phoenix_runtime.local.processes.supervisor import (
    CannotStart,
    Child,
    Program,
    ProgramDied,
    Supervisor,
)

NAME: Final = "prefork"
OWN_INTERPRETER: Final = ("LD_", "DYLD_", "PYTHON")
"""Prefixes of variables that have an effect only while an interpreter starts."""
NO_THREADS: Final = {"OPENBLAS_NUM_THREADS": "1"}
"""What keeps numpy from starting threads where it is imported, which a fork would lose."""


def can_prefork(environment: Mapping[str, str]) -> bool:
    """Tell whether services with these extra variables can be forked on this platform."""
    return sys.platform == "linux" and not any(
        name.startswith(OWN_INTERPRETER) for name in environment
    )


class PreforkServer:
    """Asks the child process to fork services, and follows them to their ends."""

    def __init__(self, supervisor: Supervisor) -> None:
        """Take the supervisor that stops what is forked here."""
        self._supervisor = supervisor
        self._channel, self._other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(0)  # the event loop waits for it
        self._starting: dict[str, asyncio.Future[int]] = {}
        self._running: dict[int, asyncio.Future[int]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def open(self, program: Program) -> None:
        """Start the child as ``program``; it imports while the runtime goes on."""
        handle = self._other.fileno()
        command = [*program.command, str(handle)]
        child = await self._supervisor.start(replace(program, command=command), inherited=(handle,))
        self._other.close()
        self._reader = asyncio.create_task(self._read(child))

    @property
    def ended(self) -> bool:
        """Whether the child that forks has ended, and what it forked with it."""
        return self._reader is not None and self._reader.done()

    async def start(self, program: Program, module: str) -> Child:
        """Fork ``module`` as ``python -m`` would run it; raises `ProgramDied` if the child died."""
        loop = asyncio.get_running_loop()
        self._starting[program.name] = loop.create_future()
        request = {
            "name": program.name,
            "module": module,
            "environment": dict(program.environment),
            "log": str(program.log),
        }
        try:
            await loop.sock_sendall(self._channel, json.dumps(request).encode())
        except OSError as error:
            text = f"{program.name} could not be forked: {error}"
            raise CannotStart(text, {"part": program.name}) from error
        pid = await self._starting[program.name]
        return self._supervisor.adopt(program, pid, self._running[pid])

    async def close(self) -> None:
        """Wait until the child has closed its end of the socket, which happens when it exits."""
        if self._reader is not None:
            await self._reader
        self._other.close()
        self._channel.close()

    async def _read(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):  # killed, with a request that it had not read
            while packet := await loop.sock_recv(self._channel, prefork_child.PACKET):
                self._handle(json.loads(packet))
        code = await child.wait()
        for starting in self._starting.values():
            if not starting.done():
                starting.set_exception(ProgramDied(child.program, code))
        for ended in self._running.values():
            if not ended.done():
                ended.set_result(code)  # the kernel ended them with their parent

    def _handle(self, report: dict[str, Any]) -> None:
        pid = report["pid"]
        if "name" in report:
            self._running[pid] = asyncio.get_running_loop().create_future()
            starting = self._starting[report["name"]]
            if not starting.done():  # nobody waits for it where the start was given up
                starting.set_result(pid)
        else:
            self._running[pid].set_result(report["code"])


def program_for(
    environment: Mapping[str, str], log: Callable[[str], Path], modules: Iterable[str]
) -> Program:
    """Return the program of the child that forks ``modules``; ``log`` answers that of a name."""
    return Program(
        name=NAME,
        command=[sys.executable, "-m", prefork_child.__name__, *modules],
        environment={**environment, **NO_THREADS},
        log=log(NAME),
    )
