"""A service that is being called starts programs, and none of them dies before it has begun."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.support.waiting.until import PATIENCE

SCRIPT = """
import asyncio
from asyncio.subprocess import PIPE

import {module}  # as the service imports: what comes first decides
import grpc.aio
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

CHILDREN = 100


async def ask_on(stub):
    while True:
        await stub.Check(health_pb2.HealthCheckRequest())


async def answers():
    child = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    said, _ = await child.communicate(b"here")
    return (said, child.returncode) == (b"here", 0)


async def main():
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{{port}}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        asking = [asyncio.create_task(ask_on(stub)) for _ in range(4)]
        print(sum([await answers() for _ in range(CHILDREN)]), "of", CHILDREN)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    await server.stop(None)


uvloop.run(main())
"""


MODULES = [
    "governance_svc.wiring",  # the one that starts programs: its policy engines
    pytest.param("gateway.app", marks=pytest.mark.long),
    *(
        pytest.param(f"{service}_svc.wiring", marks=pytest.mark.long)
        for service in ("assignment", "registry", "state")
    ),
]


@pytest.mark.parametrize("module", MODULES)
async def test_no_program_that_a_busy_service_starts_dies_at_birth(module: str) -> None:
    script = SCRIPT.format(module=module)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await child.communicate()
    assert said.decode().split() == ["100", "of", "100"]
