"""A database of its own for what goes across tenants, since other tests leave work behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from assignment_svc.store.claims import WorkerClaims
from assignment_svc.store.tables import metadata
from assignment_svc.store.unit import AssignmentUnits
from phoenix_runtime.chassis.data.connecting import create_database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from tests.support.servers.postgres import PostgresServer


@asynccontextmanager
async def apart(
    postgres: PostgresServer, clock: ManualClock, name: str
) -> AsyncIterator[tuple[AssignmentUnits, WorkerClaims]]:
    """The units of the application role, and the claims of the worker role."""
    urls, _ = await postgres.apart("assignment", name)
    database = create_database(urls.application, clock=clock)
    worker = create_database(urls.worker, clock=clock)
    outbox = Outbox("assignment", metadata, clock=clock, new_id=new_id)
    try:
        yield AssignmentUnits(database, outbox), WorkerClaims(worker)
    finally:
        await database.close()
        await worker.close()
