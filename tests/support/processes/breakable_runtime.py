"""A runtime whose parts can be killed, stalled and started again one by one, on the same ports."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from phoenix_runtime.local.postgres.server import Postgres
from phoenix_runtime.local.processes.supervisor import ProgramDied
from phoenix_runtime.local.runtime import NOTHING, LocalRuntime, LocalRuntimeOptions
from phoenix_runtime.local.services import MODULES, ProcessEnvironment
from phoenix_runtime.local.valkey import Valkey
from tests.support.processes.process_tree import kill_tree
from tests.support.servers.temporary import temporary

SERVERS: Final[Mapping[str, type[Postgres] | type[Valkey]]] = {
    "postgres": Postgres,
    "valkey": Valkey,
}


class BreakableRuntime(LocalRuntime):
    """Parts are named as in `services.MODULES`, and ``postgres`` and ``valkey``."""

    _kept: ProcessEnvironment | None = None

    def _process_environment(self) -> ProcessEnvironment:
        """Those of its first life: parts that are started side by side write no keys."""
        self._kept = self._kept or super()._process_environment()
        return self._kept

    async def kill(self, part: str) -> None:
        """SIGKILL to the part and whatever it has started; returns once it is gone."""
        name = MODULES.get(part, part)
        child = self._supervisor.children[name]
        if child.ended.done():
            raise ProgramDied(child.program, child.ended.result())
        await kill_tree(child.pid)
        await child.wait()
        await self._supervisor.stop(name)

    async def revive(self, part: str, environment: Mapping[str, str] = NOTHING) -> None:
        """Start a killed part on its old port; returns once it serves.

        ``environment`` is added to a service's own, for this life of it alone.
        """
        if part in SERVERS:
            server = SERVERS[part](self.folder, self._ports[part])
            if isinstance(server, Valkey):
                # A new one would have a new password, and nobody who knows it.
                server._password = str(urlsplit(self.redis_url).password)
            await server.start(self._supervisor)
            return
        process_environment = await asyncio.to_thread(self._process_environment)
        extra = {**process_environment.extra, **environment}
        await self._start_service(replace(process_environment, extra=extra), part)

    async def restart(self, part: str, environment: Mapping[str, str] = NOTHING) -> None:
        """Kill and revive."""
        await self.kill(part)
        await self.revive(part, environment)

    def replicas(self, part: str) -> list[str]:
        """What a service consists of: here of itself alone."""
        return [part]

    def pids(self, part: str) -> list[int]:
        """The processes of a service."""
        return [self.pid(replica) for replica in self.replicas(part)]

    def program(self, part: str) -> str:
        """What the supervisor and the log call the part."""
        return MODULES.get(part, part)

    async def dies(self, part: str, seconds: float) -> bool:
        """Whether the part's process ends within so many seconds, or has; it is told a bit later.

        Nothing is tidied up: `died` does that.
        """
        ended = self._supervisor.children[self.program(part)].ended
        await asyncio.wait([ended], timeout=seconds)
        return ended.done()

    async def died(self, part: str, seconds: float) -> int:
        """Wait until the part dies by itself; answers its code, a signal as a negative number."""
        name = self.program(part)
        async with asyncio.timeout(seconds):
            code = await self._supervisor.children[name].wait()
        await self._supervisor.stop(name)
        return code


@contextmanager
def stalled(pid: int) -> Iterator[None]:
    """The process hangs, and goes on as if nothing had happened."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def breakable_runtime(
    environment: Mapping[str, str] = NOTHING,
) -> AsyncIterator[BreakableRuntime]:
    """One in a temporary folder, gone afterwards; ``environment`` is every service's."""
    async with temporary(
        BreakableRuntime(LocalRuntimeOptions.temporary(environment=environment))
    ) as runtime:
        yield runtime
