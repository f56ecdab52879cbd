"""Requests to the state service, and what the database and a refusal say afterwards."""

from typing import Any

import asyncpg
import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2

from phoenix_dma.v1 import state_pb2
from phoenix_dma.wire.status_details import DETAILS_KEY
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.json import content_hash
from tests.support.servers.postgres import PostgresServer

FINDINGS = {"outputs": {"pairs": 12}, "decisions": ["merge is safe"]}
HASH = content_hash(FINDINGS)
ATTESTED = "sha256:" + "ab" * 32
LATEST = "phoenix://context/task.1"


def checkpoint(**fields: Any) -> state_pb2.CheckpointContextRequest:
    said: dict[str, Any] = {
        "task_id": "task.1",
        "epoch": 1,
        "context": json_to_struct(FINDINGS),
    }
    return state_pb2.CheckpointContextRequest(**{**said, **fields})


def reference(**fields: Any) -> state_pb2.CheckpointContextRequest:
    said: dict[str, Any] = {"context": None, "state_ref": "s3://contexts/a@1", "hash": ATTESTED}
    return checkpoint(**{**said, **fields})


def status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    trailers: Any = error.trailing_metadata()
    return status_pb2.Status.FromString(dict(trailers)[DETAILS_KEY])


def info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    found = error_details_pb2.ErrorInfo()
    status(error).details[0].Unpack(found)
    return found


async def refusal(call: Any) -> error_details_pb2.ErrorInfo:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return info(refused.value)


def violations(error: grpc.aio.AioRpcError) -> set[str]:
    found = error_details_pb2.BadRequest()
    status(error).details[1].Unpack(found)
    return {violation.field for violation in found.field_violations}


async def inside(postgres: PostgresServer, tenant: str, query: str) -> list[Any]:
    connection = await asyncpg.connect((await postgres.urls("state")).application)
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT set_config('phoenix.tenant', '{tenant}', true)")
            return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def stored(postgres: PostgresServer, tenant: str) -> list[str]:
    return await inside(postgres, tenant, "SELECT hash FROM state.contents")


async def events(postgres: PostgresServer, tenant: str) -> list[str]:
    return await inside(postgres, tenant, "SELECT type FROM state.outbox")


async def tamper(postgres: PostgresServer, tenant: str) -> None:
    """Change what is stored, as somebody with the owner's password could."""
    connection = await asyncpg.connect((await postgres.urls("state")).owner)
    forged = b'{"outputs":"forged"}'
    try:
        async with connection.transaction():
            await connection.execute("ALTER TABLE state.contents NO FORCE ROW LEVEL SECURITY")
            await connection.execute(
                "UPDATE state.contents SET content = $1 WHERE tenant = $2", forged, tenant
            )
            await connection.execute("ALTER TABLE state.contents FORCE ROW LEVEL SECURITY")
    finally:
        await connection.close()
