"""Runs a whole deployment on one machine: database, Valkey, the four services and the gateway.

    async with LocalRuntime(LocalRuntimeOptions.temporary()) as runtime:
        ...  # runtime.address("gateway"), runtime.profile

Every part is a process of its own. The data folder survives restarts, ``kill -9`` of everything
included; a URL puts an external PostgreSQL, Redis or OPA in the place of the embedded one. The
environment of the services is described in ``services.py``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.local import ports
from phoenix_runtime.local.data_folder.files import temporary_folder
from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord
from phoenix_runtime.local.data_folder.keys import KeyFiles, ensure_keys, write_enrolment
from phoenix_runtime.local.data_folder.profile import PAPER_ADDRESS, Profile, write_profile
from phoenix_runtime.local.health import listens, require_opa, serves
from phoenix_runtime.local.postgres import databases
from phoenix_runtime.local.postgres.schema_versions import PendingUpgrade, pending_upgrades
from phoenix_runtime.local.postgres.server import Postgres
from phoenix_runtime.local.processes.prefork import NAME as PREFORK
from phoenix_runtime.local.processes.prefork import PreforkServer, can_prefork, program_for
from phoenix_runtime.local.processes.supervisor import Program, ProgramDied, Supervisor
from phoenix_runtime.local.services import GATEWAY, MODULES, ProcessEnvironment, inherited
from phoenix_runtime.local.valkey import Valkey, require

SERVICE_SECONDS: Final = 180.0
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRuntimeOptions:
    """What a runtime consists of and where it keeps its data.

    ``ports`` fixes the port of a part (names in `ports.CUSTOMARY`); the others are the customary
    ones or, with ``free_ports``, any free ones. ``services`` are started (names in
    `services.MODULES`); ``environment`` is added to theirs. ``profile`` is where the operator's
    profile is written, by default in the data folder ``data``; ``tenant`` is the profile's.
    """

    data: Path
    profile: Path | None = None
    tenant: str = "default"
    ports: Mapping[str, int] = field(default_factory=dict)
    free_ports: bool = False
    postgres_url: str | None = None
    redis_url: str | None = None
    opa_url: str | None = None
    services: tuple[str, ...] = tuple(MODULES)
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def temporary(
        cls,
        *,
        services: tuple[str, ...] = tuple(MODULES),
        environment: Mapping[str, str] = NOTHING,
    ) -> Self:
        """Return options for a runtime on free ports in a fresh folder; the caller removes it."""
        return cls(
            data=temporary_folder(), free_ports=True, services=services, environment=environment
        )


class LocalRuntime:
    """Starts and stops the programs of one runtime; an instance is started once."""

    def __init__(self, options: LocalRuntimeOptions) -> None:
        """Take the options; nothing is touched before `start`."""
        self.options = options
        self.folder = DataFolder(options.data)
        self.profile = options.profile or self.folder.path / "profile.toml"
        self.databases: Mapping[str, databases.DatabaseUrls] = {}
        self.admin_url = options.postgres_url or ""
        self.redis_url = options.redis_url or ""
        self._ports: dict[str, int] = {}
        self._upgrades: list[PendingUpgrade] = []
        self._supervisor = Supervisor()
        self._prefork: PreforkServer | None = None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, whatever happened."""
        await self.stop()

    async def start(self) -> RuntimeRecord:
        """Start everything and return when all of it serves; on failure stop what had started.

        An older data folder is upgraded. Raises a `LocalRuntimeError` that says what is wrong and
        what to do: `AlreadyUp`, `PortTaken`, `ProgramDied`, `DataTooNew` and others.
        """
        await asyncio.to_thread(self.folder.create)
        lock = await asyncio.to_thread(self.folder.lock)
        try:
            await self._supervisor.open(lock)
            if self.options.services and can_prefork(self.options.environment):
                self._prefork = PreforkServer(self._supervisor)
                await self._prefork.open(program_for(inherited(), self.folder.log(PREFORK)))
            self._ports = ports.choose(
                chosen=self.options.ports, free=self.options.free_ports, parts=self._parts()
            )
            await _concurrently(self._start_database(), self._start_redis(), self._require_opa())
            environment = await asyncio.to_thread(self._process_environment)
            names = self.options.services
            await _concurrently(*(self._start_service(environment, name) for name in names))
            # Last: a client that finds the profile finds a runtime that serves.
            await asyncio.to_thread(self._write_profile, environment.keys)
            return self._write_record()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything: the gateway first, then the services, then their databases."""
        await self._supervisor.stop(MODULES[GATEWAY])
        await self._supervisor.stop(*MODULES.values())
        await self._supervisor.stop(PREFORK)
        if self._prefork is not None:
            await self._prefork.close()
        await self._supervisor.close()
        self.folder.unlock()

    async def until_death(self) -> ProgramDied:
        """Wait until a part dies by itself; return which and how. Nothing is restarted."""
        return await self._supervisor.until_death()

    def address(self, name: str) -> str:
        """Return ``host:port`` of a part (names in `ports.CUSTOMARY`)."""
        return f"{ports.LOOPBACK}:{self._ports[name]}"

    def pid(self, name: str) -> int:
        """Return the process id of a program: a service's name, ``postgres`` or ``valkey``."""
        return self._supervisor.children[MODULES.get(name, name)].pid

    def _parts(self) -> set[str]:
        parts = set(ports.CUSTOMARY)
        if self.options.postgres_url:
            parts.remove("postgres")
        if self.options.redis_url:
            parts.remove("valkey")
        return parts

    async def _start_database(self) -> None:
        if not self.options.postgres_url:
            server = Postgres(self.folder, self._ports["postgres"])
            await server.start(self._supervisor)
            self.admin_url = server.url
        passwords = databases.load_passwords(self.folder.secrets / "roles.json")
        await databases.prepare(self.admin_url, passwords)
        self.databases = databases.urls_for(self.admin_url, passwords)
        served = [schema for schema in databases.SCHEMAS if schema in self.options.services]
        self._upgrades = await pending_upgrades(self.admin_url, served)

    async def _start_redis(self) -> None:
        if self.options.redis_url:
            await require(self.options.redis_url)
            return
        server = Valkey(self.folder, self._ports["valkey"])
        await server.start(self._supervisor)
        self.redis_url = server.url

    async def _require_opa(self) -> None:
        if self.options.opa_url:
            await require_opa(self.options.opa_url)

    def _process_environment(self) -> ProcessEnvironment:
        return ProcessEnvironment(
            folder=self.folder,
            keys=ensure_keys(self.folder.keys, MODULES),
            databases=self.databases,
            redis_url=self.redis_url,
            opa_url=self.options.opa_url,
            ports=self._ports,
            extra=self.options.environment,
        )

    def _write_profile(self, keys: KeyFiles) -> None:
        tenant = self.options.tenant
        credential = self.folder.secrets / "operator.jwt"
        write_enrolment(credential, keys, tenant=tenant, clock=SteadyClock())
        profile = Profile(
            grpc=self.address(GATEWAY),
            rest=f"http://{self.address('rest')}",
            tenant=tenant,
            credential=credential,
            resolve={PAPER_ADDRESS: self.address(GATEWAY)},
        )
        write_profile(self.profile, profile)

    async def _start_service(self, environment: ProcessEnvironment, name: str) -> None:
        rest = self.address("rest") if name == GATEWAY else None
        await self._run(environment.program(name), MODULES[name], self.address(name), rest=rest)

    async def _run(
        self, program: Program, module: str, address: str, *, rest: str | None = None
    ) -> None:
        """Start ``module`` as ``program``; return once it serves at each address."""
        if self._prefork is not None:
            child = await self._prefork.start(program, module)
        else:
            child = await self._supervisor.start(program)
        await child.until(lambda: serves(address), SERVICE_SECONDS)
        if rest is not None:
            await child.until(lambda: listens(rest), SERVICE_SECONDS)

    def _write_record(self) -> RuntimeRecord:
        record = RuntimeRecord(
            pid=os.getpid(),
            addresses={name: self.address(name) for name in self._ports},
            profile=str(self.profile),
            upgrades=tuple(map(str, self._upgrades)),
        )
        self.folder.write_record(record)
        return record


async def _concurrently(*work: Coroutine[None, None, None]) -> None:
    """Await all of it; on the first failure cancel the rest, wait for its end, and raise."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
