"""Probes whether a program serves: TCP, gRPC health, an external OPA."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from phoenix_runtime.local.connections import words_of
from phoenix_runtime.local.errors import LocalRuntimeError, host_of

PROBE_TIMEOUT: Final = 5.0
NO_PROXY: Final = (("grpc.enable_http_proxy", 0),)
"""For channels to what runs on this machine: a proxy of the environment is for what leaves it."""


class OpaUnusable(LocalRuntimeError):
    """The external OPA cannot be reached, or is not healthy."""

    reason = "POLICY_ENGINE_UNAVAILABLE"
    remedy = (
        "See that an OPA serves there (`opa run --server`); without --opa-url the embedded engine "
        "decides."
    )


async def listens(address: str) -> bool:
    """Tell whether somebody accepts connections at ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    with suppress(OSError):  # whoever accepts it and resets it listens all the same
        await writer.wait_closed()
    return True


async def require_opa(url: str) -> None:
    """Raise `OpaUnusable` unless the external OPA at ``url`` reports that it is healthy."""
    import httpx  # noqa: PLC0415  # a quarter of a second, and few have an OPA of their own

    try:
        # As governance asks it: no proxy of the environment chooses another server.
        async with httpx.AsyncClient(timeout=PROBE_TIMEOUT, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/health")
            answer.raise_for_status()
    except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
        host = host_of(url)
        raise OpaUnusable(f"OPA at {host}: {words_of(error)}", {"server": host}) from error


async def serves(address: str) -> bool:
    """Tell whether ``grpc.health.v1`` at ``host:port`` answers SERVING.

    A refused connection makes a channel wait a second before it tries again: the port comes first.
    """
    if not await listens(address):
        return False
    async with grpc.aio.insecure_channel(address, NO_PROXY) as channel:
        stub: health_pb2_grpc.HealthAsyncStub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=PROBE_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                return False
            raise
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
