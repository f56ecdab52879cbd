"""What can be wrong inside a runtime that is up: its services, its database, its policy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import grpc.aio

from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.local.checks import Answer
from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord
from phoenix_runtime.local.data_folder.keys import ensured_keys, operator_token
from phoenix_runtime.local.decisions import decision, fault_of
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.health import serves
from phoenix_runtime.local.postgres.databases import SCHEMAS
from phoenix_runtime.local.postgres.schema_versions import pending_upgrades
from phoenix_runtime.local.postgres.server import Postgres
from phoenix_runtime.local.services import GATEWAY, GOVERNANCE, MODULES


def check_services(folder: DataFolder, record: RuntimeRecord) -> list[Answer]:
    """Ask every service, the private database and policy."""

    async def collected() -> list[Answer]:
        return [answer async for answer in _answers(folder, record)]

    return asyncio.run(collected())


async def _answers(folder: DataFolder, record: RuntimeRecord) -> AsyncIterator[Answer]:
    for name in (*SCHEMAS, GATEWAY):
        address = record.addresses.get(name)
        if address is not None and not await serves(address):
            found = f"listens at {address} and does not serve"
            yield f"{name} health", found, f"look into {folder.log(MODULES[name])}"
    if "postgres" in record.addresses:
        yield await _database(folder, record.addresses["postgres"])
    if GOVERNANCE in record.addresses:
        yield await _policy(folder, record.addresses[GOVERNANCE])


async def _database(folder: DataFolder, address: str) -> Answer:
    server = Postgres(folder, int(address.rpartition(":")[2]))
    try:
        pending = await pending_upgrades(server.url, SCHEMAS)
    except LocalRuntimeError as error:
        return "schema", str(error), "install the version that it names"
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return "postgres", f"does not answer: {error}", f"look into {folder.log('postgres')}"
    if pending:
        found = "; ".join(f"{one.schema} is at {one.before}, not {one.after}" for one in pending)
        return "schema", found, "restart the runtime: phoenix-dma down, then up"
    return "schema", "of this release", ""


async def _policy(folder: DataFolder, address: str) -> Answer:
    log = f"look into {folder.log(MODULES[GOVERNANCE])}"
    token = operator_token(
        ensured_keys(folder.keys, MODULES), tenant="default", clock=SteadyClock()
    )
    try:
        fault = fault_of(await decision(address, token))
    except grpc.aio.AioRpcError as error:
        return "policy", f"cannot decide: {error.details() or error.code().name}", log
    return ("policy", f"cannot decide: {fault}", log) if fault else ("policy", "decides", "")
