"""Servers of a test's own, which it may kill and start again."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from phoenix_runtime.local.data_folder.files import temporary_folder
from phoenix_runtime.local.data_folder.folder import DataFolder
from phoenix_runtime.local.ports import choose
from phoenix_runtime.local.postgres import databases
from phoenix_runtime.local.postgres.databases import DatabaseUrls
from phoenix_runtime.local.postgres.server import Postgres
from phoenix_runtime.local.processes.supervisor import Supervisor
from phoenix_runtime.local.valkey import Valkey
from tests.support.processes.process_tree import kill_tree

SAMPLE_SCHEMA = "registry"


class Servers:
    """A PostgreSQL and a Valkey; started, killed and started again by name."""

    def __init__(self, folder: DataFolder, supervisor: Supervisor) -> None:
        chosen = choose(free=True, parts=("postgres", "valkey"))
        self._folder = folder
        self._supervisor = supervisor
        self._postgres = Postgres(folder, chosen["postgres"])
        self._valkey = Valkey(folder, chosen["valkey"])

    async def start(self, name: str) -> None:
        """Start ``postgres`` or ``valkey`` on its old port and data."""
        server: Postgres | Valkey = self._postgres if name == "postgres" else self._valkey
        await server.start(self._supervisor)

    async def kill(self, name: str) -> None:
        """End it and whatever it has started as a crash would, and wait until all are gone."""
        child = self._supervisor.children[name]
        await kill_tree(child.pid)
        await child.ended
        await self._supervisor.stop(name)

    async def schema(self) -> DatabaseUrls:
        """The URLs of the schema that the sample borrows, its roles made."""
        passwords = databases.load_passwords(self._folder.secrets / "roles.json")
        await databases.prepare(self._postgres.url, passwords)
        return databases.urls_for(self._postgres.url, passwords)[SAMPLE_SCHEMA]

    @property
    def redis_url(self) -> str:
        """The URL of the Valkey."""
        return self._valkey.url


@asynccontextmanager
async def own_servers() -> AsyncIterator[Servers]:
    """Servers that nobody else uses; nothing runs yet."""
    folder = DataFolder(temporary_folder())
    folder.create()
    supervisor = Supervisor()
    await supervisor.open()
    try:
        yield Servers(folder, supervisor)
    finally:
        await supervisor.close()
        shutil.rmtree(folder.path)
