"""The resources of every service with a database: clock, databases, outbox, peers, Redis."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from sqlalchemy import MetaData

from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.connecting import DatabaseOptions, create_database
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.idempotency import AnswerMemory
from phoenix_runtime.chassis.data.migrations import upgrade
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Unit, Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.redis import create_redis
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.chassis.rpc.policy import GovernancePolicy
from phoenix_runtime.chassis.settings import ServiceSettings
from phoenix_runtime.chassis.wall_clock import steady_clock
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ports import AccessLog

log = structlog.get_logger(__name__)
U = TypeVar("U", bound=Unit)
WORKER_CONNECTIONS = 2
"""Claims and marks are single short statements; PostgreSQL keeps 3 MB for each connection."""
WORKER_STATEMENT = timedelta(seconds=5)
"""How long a claim or a mark may take: a worker that hangs on one does nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceResources:
    """Clock, databases, outbox, peers and Redis of one service; ``name`` is its short name."""

    name: str
    settings: ServiceSettings
    clock: Clock
    database: Database
    """As the application role: inside one tenant at a time."""
    worker_database: Database
    """As the worker role: claims and marks of every tenant."""
    outbox: Outbox
    memory: AnswerMemory | None
    """None for a service whose effects, and so their repetitions, are another's (state)."""
    access: AccessLog
    """One for the service: it writes a few refusals a minute and caller."""
    channels: Channels
    redis: Redis

    def units(self, unit_class: type[U]) -> Units[U]:
        """The factory of the use cases' transactions."""
        return Units(self.database, unit_class, self.outbox, new_id)

    def handler(self) -> RpcHandler:
        """The handler that servicers serve their RPCs through."""
        return RpcHandler(self.memory, self.access)

    def policy(self) -> GovernancePolicy:
        """The policy port, over gRPC to governance."""
        return GovernancePolicy(self.channels)

    async def close(self) -> None:
        """Close every connection."""
        await self.channels.close()
        await self.database.close()
        await self.worker_database.close()
        await self.redis.aclose()


async def open_resources(
    name: str, settings: ServiceSettings, metadata: MetaData
) -> ServiceResources:
    """Migrate the service's schema, if it has the owner's URL, and open its resources."""
    if settings.migration_database_url is not None:
        await _upgrade(name, settings.migration_database_url.get_secret_value())
    clock = steady_clock()
    serving = DatabaseOptions(
        name=f"phoenix-dma-{name}",
        pool=settings.database_pool,
        checkout_timeout=settings.database_checkout,
        response_timeout=settings.database_response,
    )
    working = replace(
        serving,
        name=f"phoenix-dma-{name}-worker",
        pool=WORKER_CONNECTIONS,
        statement_timeout=WORKER_STATEMENT,
        durable=False,
    )
    database = create_database(
        settings.database_url.get_secret_value(), clock=clock, options=serving
    )
    signer = ServiceSigner(name, settings.service_key, clock, audience=settings.audience)
    outbox = Outbox(name, metadata, clock=clock, new_id=new_id)
    units = Units(database, Unit, outbox, new_id)
    return ServiceResources(
        name=name,
        settings=settings,
        clock=clock,
        database=database,
        worker_database=create_database(
            settings.worker_database_url.get_secret_value(), clock=clock, options=working
        ),
        outbox=outbox,
        memory=AnswerMemory(database, metadata) if _remembers(metadata) else None,
        access=OutboxAccessLog(units, clock=clock, new_id=new_id),
        channels=Channels(settings, signer),
        redis=create_redis(settings.redis_url.get_secret_value(), name=f"phoenix-dma-{name}"),
    )


async def _upgrade(name: str, url: str) -> None:
    done = await upgrade(f"{name}_svc", url)
    if done.changed:
        log.info("schema_upgraded", schema=name, before=done.before, after=done.after)


def _remembers(metadata: MetaData) -> bool:
    return f"{metadata.schema}.idempotency" in metadata.tables
