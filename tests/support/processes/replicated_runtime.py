"""A runtime with two replicas of each service and of the gateway, behind one address each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from phoenix_runtime.local import ports
from phoenix_runtime.local.runtime import NOTHING, LocalRuntimeOptions
from phoenix_runtime.local.services import GATEWAY, MODULES, PREFIX, ProcessEnvironment
from tests.support.processes.breakable_runtime import BreakableRuntime
from tests.support.processes.fault_proxy import FaultProxy
from tests.support.servers.temporary import temporary

REPLICAS: Final = (1, 2)


class ReplicatedRuntime(BreakableRuntime):
    """A part is killed, revived or stalled as ``registry.1``; ``registry`` means each of them.

    The addresses that clients and peers know are those of a proxy that gives every connection to
    the next replica, as a Kubernetes Service does.
    """

    def __init__(self, options: LocalRuntimeOptions) -> None:
        doors, *replicas = _ports_for(1 + len(REPLICAS))
        super().__init__(replace(options, ports=doors))
        self._doors: dict[str, FaultProxy] = {}
        self._own = {
            f"{part}.{number}": f"{ports.LOOPBACK}:{port}"
            for number, chosen in zip(REPLICAS, replicas, strict=True)
            for part, port in chosen.items()
        }
        """The addresses of the replicas themselves, by part and number, and of their REST ports."""

    async def stop(self) -> None:
        """The gateways first, then the services, then their doors."""
        for parts in ([GATEWAY], [part for part in MODULES if part != GATEWAY]):
            await self._supervisor.stop(*(f"{part}.{n}" for part in parts for n in REPLICAS))
        await super().stop()
        for door in self._doors.values():
            await door.stop()
        self._doors.clear()

    async def kill(self, part: str) -> None:
        """One replica, or each of a service."""
        for name in self.replicas(part):
            await super().kill(name)

    async def revive(self, part: str, environment: Mapping[str, str] = NOTHING) -> None:
        """One replica, or each of a service, side by side."""
        await asyncio.gather(*(self._revive(name, environment) for name in self.replicas(part)))

    def replicas(self, part: str) -> list[str]:
        """The names of a service's replicas; any other part is one by itself."""
        return [f"{part}.{number}" for number in REPLICAS] if part in MODULES else [part]

    async def _revive(self, name: str, environment: Mapping[str, str]) -> None:
        await super().revive(name, environment)

    async def _start_service(self, process_environment: ProcessEnvironment, name: str) -> None:
        """One replica by its name, or both and the door before them."""
        if name not in MODULES:
            await self._start_replica(process_environment, name)
            return
        for door in (GATEWAY, "rest") if name == GATEWAY else (name,):
            await self._open(door)
        replicas = self.replicas(name)
        await asyncio.gather(*(self._start_replica(process_environment, one) for one in replicas))

    async def _start_replica(self, process_environment: ProcessEnvironment, replica: str) -> None:
        part, _, number = replica.partition(".")
        address, rest = self._own[replica], self._own[f"rest.{number}"]
        own = {f"{PREFIX}LISTEN": address}
        if part == GATEWAY:
            own[f"{PREFIX}REST_LISTEN"] = rest
        program = process_environment.program(part)
        program = replace(
            program,
            name=replica,
            log=self.folder.log(replica),
            environment={**program.environment, **own},
        )
        door = rest if part == GATEWAY else None
        await self._run(program, MODULES[part], address, door)

    async def _open(self, part: str) -> None:
        door = FaultProxy(*(self._own[f"{part}.{number}"] for number in REPLICAS))
        await door.start(self._ports[part])
        self._doors[part] = door


def _ports_for(runtimes: int) -> list[dict[str, int]]:
    """Free ports for that many of each part: a choice may hit upon what another one has chosen."""
    while True:
        choices = [ports.choose(free=True) for _ in range(runtimes)]
        taken = [port for chosen in choices for port in chosen.values()]
        if len(set(taken)) == len(taken):
            return choices


@asynccontextmanager
async def replicated_runtime(
    environment: Mapping[str, str] = NOTHING,
) -> AsyncIterator[ReplicatedRuntime]:
    """One in a temporary folder, gone afterwards; ``environment`` is every service's."""
    async with temporary(
        ReplicatedRuntime(LocalRuntimeOptions.temporary(environment=environment))
    ) as runtime:
        yield runtime
