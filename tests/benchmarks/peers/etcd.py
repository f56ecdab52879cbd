"""etcd: one server in memory's reach, leases that are kept alive on streams."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import grpc.aio
from google.protobuf.wrappers_pb2 import Int64Value

from phoenix_runtime.local.health import listens
from tests.benchmarks.peers.programs import program, running
from tests.support.processes.addresses import free_address

LEASES: Final = "/etcdserverpb.Lease"
TTL: Final = 600


@dataclass(frozen=True, slots=True)
class Etcd:
    """A running server."""

    address: str
    pid: int


class LeaseStream:
    """One lease, kept alive on a stream of its own."""

    _numbers = count(1)

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self._lease = next(self._numbers)
        self._request = _int64(self._lease)
        self._call: Any = None

    async def open(self) -> None:
        """Grant the lease and open its stream."""
        # LeaseGrantRequest: TTL = 1, ID = 2; LeaseKeepAliveRequest: ID = 1.
        wanted = _int64(TTL) + b"\x10" + self._request[1:]
        await self._channel.unary_unary(f"{LEASES}/LeaseGrant", None, None)(wanted)
        keep_alive: Any = self._channel.stream_stream(f"{LEASES}/LeaseKeepAlive", None, None)
        self._call = keep_alive()

    async def beat(self) -> None:
        """Keep it alive once, and wait for the answer."""
        await self._call.write(self._request)
        await self._call.read()

    async def close(self) -> None:
        """End the stream; the lease goes with the server."""
        self._call.cancel()


def _int64(value: int) -> bytes:
    """A message whose first field is this number; etcd's stubs are not needed for more."""
    return Int64Value(value=value).SerializeToString()


@asynccontextmanager
async def etcd() -> AsyncIterator[Etcd | None]:
    """A server on a fresh folder; None where there is no etcd."""
    found = program("etcd")
    if found is None:
        yield None
        return
    client, peer = free_address(), free_address()
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(found),
            *("--data-dir", folder, "--name", "bench", "--log-level", "error"),
            *("--listen-client-urls", f"http://{client}"),
            *("--advertise-client-urls", f"http://{client}"),
            *("--listen-peer-urls", f"http://{peer}"),
            *("--initial-advertise-peer-urls", f"http://{peer}"),
            *("--initial-cluster", f"bench=http://{peer}"),
        ]
        async with running(command, lambda: listens(client)) as pid:
            yield Etcd(client, pid)
