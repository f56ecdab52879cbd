"""What a gateway says about the services behind it: reflection and health."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from phoenix_runtime.chassis.schema import rpcs
from tests.integration.gateway.conftest import RunningGateway, healthy, refused


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_describes_every_service_under_one_address(
    gateway: RunningGateway, version: str
) -> None:
    names = await reflected(gateway, version)
    expected = {rpc.service for rpc in rpcs().values()} | {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert names == expected
    for name in names:
        assert await described(gateway, version, name)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_asks_for_a_credential(gateway: RunningGateway, version: str) -> None:
    call = reflection(gateway, version)(metadata=())
    assert (await refused(call.read())).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_health_is_open_and_known_for_the_gateway_and_each_service(
    gateway: RunningGateway,
) -> None:
    for name in ("", *{rpc.service for rpc in rpcs().values()}):
        await healthy(gateway, name, health_pb2.HealthCheckResponse.SERVING)


async def test_the_health_of_a_service_follows_it_away_and_back(gateway: RunningGateway) -> None:
    name = "phoenix_dma.v1.HandoffService"
    await healthy(gateway, name, health_pb2.HealthCheckResponse.SERVING)
    await gateway.backends.stop("assignment")
    await healthy(gateway, name, health_pb2.HealthCheckResponse.NOT_SERVING)
    await healthy(gateway, "", health_pb2.HealthCheckResponse.SERVING)
    await gateway.backends.start("assignment")
    await healthy(gateway, name, health_pb2.HealthCheckResponse.SERVING)


def reflection(gateway: RunningGateway, version: str) -> Any:
    return gateway.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )


async def ask(gateway: RunningGateway, version: str, **question: str) -> Any:
    async def questions() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(**question)

    call = reflection(gateway, version)(questions(), metadata=gateway.call("auditor"))
    return await call.read()


async def reflected(gateway: RunningGateway, version: str) -> set[str]:
    answer = await ask(gateway, version, list_services="")
    return {service.name for service in answer.list_services_response.service}


async def described(gateway: RunningGateway, version: str, name: str) -> bool:
    """Whether the file that is said to hold ``name`` holds it."""
    answer = await ask(gateway, version, file_containing_symbol=name)
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(raw)
        for raw in answer.file_descriptor_response.file_descriptor_proto
    ]
    return any(f"{f.package}.{service.name}" == name for f in files for service in f.service)
