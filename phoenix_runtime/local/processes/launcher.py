"""Starts the services of a runtime: forked where that is possible, else each by itself."""

from __future__ import annotations

import asyncio

from phoenix_runtime.local.processes.prefork import NAME, PreforkServer
from phoenix_runtime.local.processes.supervisor import Child, Program, Supervisor


class Launcher:
    """Starts services, and the process that forks them again where it has died."""

    def __init__(self, supervisor: Supervisor) -> None:
        """Take the supervisor of all programs."""
        self._supervisor = supervisor
        self._program: Program | None = None
        self._prefork: PreforkServer | None = None
        self._opening = asyncio.Lock()

    async def open(self, program: Program) -> PreforkServer:
        """Fork services from now on, from a process that is run as ``program``; return it."""
        self._program = program
        self._prefork = PreforkServer(self._supervisor)
        await self._prefork.open(program)
        return self._prefork

    async def start(self, program: Program, module: str) -> Child:
        """Start ``module`` as ``program``; it does not serve yet when this returns."""
        if self._program is None:
            return await self._supervisor.start(program)
        async with self._opening:
            forking = self._prefork
            if forking is None or forking.ended:
                await self.close()
                forking = await self.open(self._program)
        return await forking.start(program, module)

    async def close(self) -> None:
        """Stop the process that forks; its services have been stopped before."""
        await self._supervisor.stop(NAME)
        if self._prefork is not None:
            await self._prefork.close()
            self._prefork = None
