"""Runs a whole deployment on one machine: database, Valkey, the four services and the gateway.

    async with LocalRuntime(LocalRuntimeOptions.temporary()) as runtime:
        ...  # runtime.address("gateway"), runtime.profile

Every part is a process of its own. The data folder survives restarts, ``kill -9`` of everything
included; a URL puts an external PostgreSQL, Redis or OPA there (services get: ``services.py``).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.local import policy_engine, ports
from phoenix_runtime.local.concurrently import concurrently
from phoenix_runtime.local.connections import said_as_connection
from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord
from phoenix_runtime.local.data_folder.keys import (
    KeyFiles,
    ensure_keys,
    operator_token,
    write_enrolment,
)
from phoenix_runtime.local.data_folder.known import others_up, remember
from phoenix_runtime.local.data_folder.profile import PAPER_ADDRESS, Profile, write_profile
from phoenix_runtime.local.decisions import require_decisions
from phoenix_runtime.local.health import listens, require_opa, serves
from phoenix_runtime.local.options import NOTHING, LocalRuntimeOptions
from phoenix_runtime.local.postgres import databases
from phoenix_runtime.local.postgres.schema_versions import PendingUpgrade, pending_upgrades
from phoenix_runtime.local.postgres.server import Postgres
from phoenix_runtime.local.processes.launcher import Launcher
from phoenix_runtime.local.processes.prefork import can_prefork, program_for
from phoenix_runtime.local.processes.restarts import (
    KeepsDying,
    Part,
    Restarter,
    RestartPolicy,
    Tell,
)
from phoenix_runtime.local.processes.supervisor import Program, ProgramDied, Supervisor
from phoenix_runtime.local.progress import starting, told
from phoenix_runtime.local.services import (
    GATEWAY,
    GOVERNANCE,
    MODULES,
    ProcessEnvironment,
    inherited,
)
from phoenix_runtime.local.valkey import Valkey

__all__ = ["NOTHING", "LocalRuntime", "LocalRuntimeOptions"]

SERVICE_SECONDS: Final = 180.0

_log = logging.getLogger(__name__)


class LocalRuntime:
    """Starts, keeps and stops the programs of one runtime; an instance is started once."""

    def __init__(self, options: LocalRuntimeOptions, *, tell: Tell = _log.info) -> None:
        """Take the options; nothing is touched before `start`.

        ``tell`` takes sentences for people: what is started or fetched, what died and is restarted.
        """
        self.options = options
        self.folder = DataFolder(options.data)
        self.profile = options.profile or self.folder.path / "profile.toml"
        self.databases: Mapping[str, databases.DatabaseUrls] = {}
        self.admin_url = options.postgres_url or ""
        self.redis_url = options.redis_url or ""
        self.restart_policy = RestartPolicy()
        self._tell = tell
        self._ports: dict[str, int] = {}
        self._reservation = ports.Reservation()
        self._upgrades: list[PendingUpgrade] = []
        self._notes: list[str] = []
        self._supervisor = Supervisor()
        self._launcher = Launcher(self._supervisor)
        self._engine: Path | None = None
        self._servers: dict[str, Postgres | Valkey] = {}
        self._restarter = Restarter(self._supervisor, SteadyClock(), self._write_record)

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

        An older data folder is upgraded. Raises `LocalRuntimeError`: `AlreadyUp` and others.
        """
        with said_as_connection("starting the runtime"), self.folder.usable():
            return await self._start()

    async def _start(self) -> RuntimeRecord:
        await asyncio.to_thread(self.folder.create)
        lock = await asyncio.to_thread(self.folder.lock)
        try:
            await asyncio.to_thread(self._choose_ports)
            await self._supervisor.open(lock, *self._reservation.filenos())
            if self.options.services and can_prefork(self.options.environment):
                modules = [MODULES[name] for name in self.options.services]
                await self._launcher.open(program_for(inherited(), self.folder.log, modules))
            own = "preparing your PostgreSQL", "asking your Redis"
            database = own[0] if self.options.postgres_url else "starting postgres"
            redis = own[1] if self.options.redis_url else "starting valkey"
            await concurrently(
                told(self._tell, database, self._start_database),
                told(self._tell, redis, self._start_redis),
                self._require_engine(),
            )
            environment = await asyncio.to_thread(self._process_environment)
            steps = {n: partial(self._start_service, environment, n) for n in self.options.services}
            await concurrently(*(told(self._tell, starting(n), steps[n]) for n in steps))
            if GOVERNANCE in self.options.services:
                decide = partial(self._require_decisions, environment)
                await told(self._tell, "asking policy for a decision", decide)
            # Last: a client that finds the profile finds a runtime that serves.
            await asyncio.to_thread(self._write_profile, environment.keys)
            self._restarter.began(self._kept_parts(environment))
            return self._write_record()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything: the gateway first, then the services, then their databases."""
        await self._supervisor.stop(MODULES[GATEWAY])
        await self._supervisor.stop(*MODULES.values())
        await self._launcher.close()
        await self._supervisor.close()
        self._reservation.close()
        self.folder.unlock()

    async def until_death(self) -> ProgramDied:
        """Wait until a part dies by itself; return which and how. Nothing is restarted."""
        return await self._supervisor.until_death()

    async def keep(self) -> KeepsDying:
        """Start again whatever dies, as `restart_policy` says; return once a part keeps dying.

        To be cancelled, and waited for, before `stop`.
        """
        return await self._restarter.keep(self.restart_policy, self._tell)

    def address(self, name: str) -> str:
        """Return ``host:port`` of a part (names in `ports.CUSTOMARY`)."""
        return f"{ports.LOOPBACK}:{self._ports[name]}"

    def pid(self, name: str) -> int:
        """Return the process id of a program: a service's name, ``postgres`` or ``valkey``."""
        return self._supervisor.children[MODULES.get(name, name)].pid

    def _choose_ports(self) -> None:
        asked = self.options.free_ports
        kept = {} if asked is False else self.folder.kept_ports()
        free = bool(kept) if asked is None else asked
        self._ports = ports.choose(
            chosen=self.options.ports,
            free=free,
            parts=self.options.parts(),
            kept=kept,
            reservation=self._reservation,
        )
        if free:
            self._notes += ports.moved(kept, self._ports, self.options.ports)
        self.folder.keep_ports({**kept, **self._ports} if free else {})

    async def _start_database(self) -> None:
        if not self.options.postgres_url:
            server = self._servers["postgres"] = Postgres(
                self.folder, self._ports["postgres"], self.options.postgres_settings
            )
            await server.start(self._supervisor)
            self.admin_url = server.url
        passwords = databases.load_passwords(self.folder.secrets / "roles.json")
        with databases.usable(self.admin_url):
            await databases.prepare(self.admin_url, passwords)
            self.databases = databases.urls_for(self.admin_url, passwords)
            served = [schema for schema in databases.SCHEMAS if schema in self.options.services]
            self._upgrades = await pending_upgrades(self.admin_url, served)

    async def _start_redis(self) -> None:
        if self.options.redis_url:
            from phoenix_runtime.local.redis_probe import require  # noqa: PLC0415  # see there

            await require(self.options.redis_url)
            return
        server = self._servers["valkey"] = Valkey(self.folder, self._ports["valkey"])
        await server.start(self._supervisor)
        self.redis_url = server.url

    async def _require_engine(self) -> None:
        """Look for the policy engine before anything asks it, and fetch it where it is missing."""
        if self.options.opa_url:
            await require_opa(self.options.opa_url)
        elif GOVERNANCE in self.options.services:
            engine = policy_engine.PolicyEngineFolder(self.folder.path)
            if await asyncio.to_thread(engine.ensure, self._tell):
                self._notes.append(f"fetched the policy engine into {engine.path}")
            self._engine = engine.import_path()

    async def _require_decisions(self, environment: ProcessEnvironment) -> None:
        """Nothing can be done without decisions, so a runtime without them is not up."""
        tenant, clock = self.options.tenant, SteadyClock()
        await require_decisions(
            self.address(GOVERNANCE),
            partial(operator_token, environment.keys, tenant=tenant, clock=clock),
            self.options.opa_url,
            self.folder.log(MODULES[GOVERNANCE]),
            policy_engine.PolicyEngineFolder(self.folder.path).advice(),
        )

    def _process_environment(self) -> ProcessEnvironment:
        return ProcessEnvironment(
            folder=self.folder,
            keys=ensure_keys(self.folder.keys, MODULES),
            databases=self.databases,
            redis_url=self.redis_url,
            opa_url=self.options.opa_url,
            engine=self._engine,
            ports=self._ports,
            extra=self.options.environment,
        )

    def _write_profile(self, keys: KeyFiles) -> None:
        credential, tenant = self.folder.secrets / "operator.jwt", self.options.tenant
        write_enrolment(credential, keys, tenant=tenant, clock=SteadyClock())
        profile = Profile(
            grpc=self.address(GATEWAY),
            rest=f"http://{self.address('rest')}",
            tenant=tenant,
            credential=credential,
            data=self.folder.path,
            resolve={PAPER_ADDRESS: self.address(GATEWAY)},
        )
        write_profile(self.profile, profile)
        remember(self.profile, self.folder.path)
        self._notes += others_up(self.profile, self.folder.path)

    async def _start_service(self, environment: ProcessEnvironment, name: str) -> None:
        rest = self.address("rest") if name == GATEWAY else None
        await self._run(environment.program(name), MODULES[name], self.address(name), rest)

    async def _run(self, program: Program, module: str, address: str, rest: str | None) -> None:
        """Start ``module`` as ``program``; return once it serves at each address."""
        child = await self._launcher.start(program, module)
        await child.until(lambda: serves(address), SERVICE_SECONDS)
        if rest is not None:
            await child.until(lambda: listens(rest), SERVICE_SECONDS)

    def _kept_parts(self, environment: ProcessEnvironment) -> list[Part]:
        servers = [
            Part(name=name, program=name, start=partial(server.start, self._supervisor))
            for name, server in self._servers.items()
        ]
        below = tuple(self._servers)
        return servers + [
            Part(
                name=name,
                program=MODULES[name],
                start=partial(self._start_service, environment, name),
                stands_on=below,
            )
            for name in self.options.services
        ]

    def _write_record(self) -> RuntimeRecord:
        record = RuntimeRecord(
            pid=os.getpid(),
            addresses={name: self.address(name) for name in self._ports},
            profile=str(self.profile),
            upgrades=tuple(map(str, self._upgrades)),
            notes=tuple(self._notes),
            parts={name: asdict(state) for name, state in self._restarter.states.items()},
        )
        self.folder.write_record(record)
        return record
