"""A generic client knows nothing of us but an address and a credential: ``buf curl``."""

import asyncio
import sys
from pathlib import Path

from phoenix_runtime.chassis.schema import rpcs
from tests.integration.gateway.conftest import RunningGateway

BUF = Path(sys.executable).with_name("buf")
SERVICES = sorted({rpc.service for rpc in rpcs().values()})


async def curl(gateway: RunningGateway, *arguments: str, path: str = "") -> str:
    """What ``buf curl`` prints, called as gateway/README.md shows."""
    command = [str(BUF), "curl", "--protocol", "grpc", "--http2-prior-knowledge"]
    header = f"authorization: {gateway.headers()['authorization']}"
    command += [
        "-H",
        header,
        "--reflect-header",
        "*",
        *arguments,
        f"http://{gateway.address}{path}",
    ]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_it_lists_every_service_and_method(gateway: RunningGateway) -> None:
    services = (await curl(gateway, "--list-services")).split()
    assert set(SERVICES) <= set(services)
    methods = (await curl(gateway, "--list-methods")).split()
    assert {rpc.path[1:] for rpc in rpcs().values()} <= set(methods)


async def test_it_calls_by_reflection(gateway: RunningGateway) -> None:
    path = "/phoenix_dma.v1.AssignmentService/GetTask"
    answer = await curl(gateway, "-d", '{"task_id": "t"}', path=path)
    assert '"taskId": "t"' in answer
