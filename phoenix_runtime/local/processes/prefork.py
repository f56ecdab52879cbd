"""Starts the runtime's Python services out of one process that has imported what all of them share.

Importing it takes a service more than a second of processor time, five times over; a fork takes a
millisecond. The services stay processes of their own, each with its own log, session, environment
and end. The prefork has one thread and nothing open but its channel, so a fork copies nothing that
could be half done: it imports gRPC but never starts it. Linux only; elsewhere each service is
started by itself.

Over the channel, one JSON object a packet. The runtime says what to start: ``name``, ``module``,
``environment``, ``log``. The prefork says ``name`` and ``pid`` of what started, and later its
``pid`` and ``code``, as ``subprocess`` counts codes.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from phoenix_runtime.local.processes.supervisor import Child, Program, ProgramDied, Supervisor

NAME: Final = "prefork"
SCRIPT: Final = "phoenix_runtime.local.processes.prefork_child"
PACKET: Final = 1 << 18
OWN_INTERPRETER: Final = ("LD_", "DYLD_", "PYTHON")
"""Variables that only an interpreter of its own obeys begin like this."""


def can_raise(environment: Mapping[str, str]) -> bool:
    """Tell whether services with these extra variables can come out of a prefork here."""
    return sys.platform == "linux" and not any(
        name.startswith(OWN_INTERPRETER) for name in environment
    )


class PreforkServer:
    """The runtime's end of the channel."""

    def __init__(self, supervisor: Supervisor) -> None:
        """Take the supervisor that will stop what is started here."""
        self._supervisor = supervisor
        self._channel, self._other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(0)  # the event loop waits for it
        self._starting: dict[str, asyncio.Future[int]] = {}
        self._running: dict[int, asyncio.Future[int]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def open(self, program: Program) -> None:
        """Start the prefork as ``program``; it imports while the runtime goes on."""
        handle = self._other.fileno()
        told = replace(program, command=[*program.command, str(handle)])
        child = await self._supervisor.start(told, inherited=(handle,))
        self._other.close()
        self._reader = asyncio.create_task(self._read(child))

    async def start(self, program: Program, module: str) -> Child:
        """Start ``module`` as ``python -m`` would; raise `ProgramDied` when the prefork is gone."""
        loop = asyncio.get_running_loop()
        self._starting[program.name] = loop.create_future()
        request = {
            "name": program.name,
            "module": module,
            "environment": dict(program.environment),
            "log": str(program.log),
        }
        await loop.sock_sendall(self._channel, json.dumps(request).encode())
        pid = await self._starting[program.name]
        return self._supervisor.adopt(program, pid, self._running[pid])

    async def close(self) -> None:
        """Wait for the end of the channel, which the prefork's own end brings about."""
        if self._reader is not None:
            await self._reader
        self._other.close()
        self._channel.close()

    async def _read(self, prefork: Child) -> None:
        loop = asyncio.get_running_loop()
        while packet := await loop.sock_recv(self._channel, PACKET):
            self._take(json.loads(packet))
        code = await prefork.wait()
        for starting in self._starting.values():
            if not starting.done():
                starting.set_exception(ProgramDied(prefork.program, code))
        for ended in self._running.values():
            if not ended.done():
                ended.set_result(code)  # the kernel ended them with their parent

    def _take(self, told: dict[str, Any]) -> None:
        pid = told["pid"]
        if "name" in told:
            self._running[pid] = asyncio.get_running_loop().create_future()
            self._starting[told["name"]].set_result(pid)
        else:
            self._running[pid].set_result(told["code"])


def program_for(environment: Mapping[str, str], log: Path) -> Program:
    """Return how the prefork itself is run."""
    command = [sys.executable, "-m", SCRIPT]
    return Program(name=NAME, command=command, environment=environment, log=log)
