"""One real PostgreSQL for all tests, and each test a tenant of its own in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeAlias

import pytest
import pytest_asyncio

from phoenix_runtime.chassis.data.connecting import DatabaseOptions, create_database
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.migrations import upgrade
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.local.postgres import databases
from phoenix_runtime.local.postgres.databases import DatabaseUrls
from phoenix_runtime.local.runtime import LocalRuntime
from tests.support.waiting.until import PATIENCE

SAMPLE = "sample"
SAMPLE_PACKAGE = "tests.support.sample"
SAMPLE_SCHEMA = "registry"


class PostgresServer:
    """The server of the test run. Schemas are migrated when first asked for."""

    def __init__(self, runtime: LocalRuntime) -> None:
        self._runtime = runtime
        self._urls: dict[str, DatabaseUrls] = {}
        self._lock = asyncio.Lock()

    @property
    def admin_url(self) -> str:
        """The administrator's URL: sees every schema and tenant (`local.evidence`)."""
        return self._runtime.admin_url

    async def urls(self, service: str) -> DatabaseUrls:
        """The URLs of ``registry``, ``assignment``, ``state``, ``governance`` or ``sample``."""
        async with self._lock:
            if service not in self._urls:
                self._urls[service] = await self._migrated(service)
            return self._urls[service]

    async def apart(self, service: str, database: str) -> tuple[DatabaseUrls, str]:
        """URLs of a service in a database of its own, and the administrator's of that database.

        For a service whose background workers would work on what other tests have left.
        """
        urls, admin = await self.empty(database)
        await upgrade(f"{service}_svc", urls[service].owner)
        return urls[service], admin

    async def empty(self, database: str) -> tuple[Mapping[str, DatabaseUrls], str]:
        """URLs of each service, and the administrator's, in a database with schemas and no table.

        Roles belong to the whole server: a second database has the passwords of the first.
        """
        admin = f"{self._runtime.admin_url.rpartition('/')[0]}/{database}"
        passwords = databases.load_passwords(self._runtime.folder.secrets / "roles.json")
        await databases.prepare(admin, passwords)
        return databases.urls_for(admin, passwords), admin

    async def _migrated(self, service: str) -> DatabaseUrls:
        if service == SAMPLE:
            return await migrated_sample(self._runtime)
        urls = self._runtime.databases[service]
        await upgrade(f"{service}_svc", urls.owner)
        return urls


async def migrated_sample(runtime: LocalRuntime) -> DatabaseUrls:
    """A database of its own with the sample's tables, in the registry's schema and roles."""
    admin = runtime.admin_url.rpartition("/")[0] + "/phoenix_sample"
    passwords = databases.load_passwords(runtime.folder.secrets / "roles.json")
    await databases.prepare(admin, passwords)
    urls = databases.urls_for(admin, passwords)[SAMPLE_SCHEMA]
    await upgrade(SAMPLE_PACKAGE, urls.owner, schema=SAMPLE_SCHEMA)
    return urls


DatabaseFor: TypeAlias = Callable[..., Awaitable[Database]]
"""``await database_for("registry")``; ``role="worker"`` for the one that claims."""


@pytest.fixture
def clock() -> ManualClock:
    """The clock of the test; it stands until it is moved."""
    return ManualClock()


@pytest.fixture
def tenant() -> str:
    """A tenant that nobody has used yet."""
    return new_id("tenant")


@pytest_asyncio.fixture
async def database_for(postgres: PostgresServer, clock: ManualClock) -> AsyncIterator[DatabaseFor]:
    """Makes databases of a service's schema, migrated, closed after the test."""
    opened: list[Database] = []

    async def make(service: str, *, role: str = "application", pool: int = 5) -> Database:
        url: str = getattr(await postgres.urls(service), role)
        # A statement that waits, waits until the test has seen it wait.
        patient = timedelta(seconds=2 * PATIENCE)
        options = DatabaseOptions(
            name="phoenix-dma-test",
            pool=pool,
            checkout_timeout=patient,
            response_timeout=patient,
            statement_timeout=patient,
            lock_timeout=patient,
        )
        opened.append(create_database(url, clock=clock, options=options))
        return opened[-1]

    yield make
    for database in opened:
        await database.close()
