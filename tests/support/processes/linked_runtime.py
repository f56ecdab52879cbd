"""A runtime whose parts reach each other over links that a test may cut, silence or slow down."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from phoenix_runtime.local.runtime import NOTHING, LocalRuntimeOptions
from phoenix_runtime.local.services import PREFIX, ProcessEnvironment
from tests.support.processes.breakable_runtime import BreakableRuntime
from tests.support.processes.fault_proxy import FaultProxy
from tests.support.servers.temporary import temporary

PEERS: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": ("registry", "assignment", "state", "governance"),
    "state": ("assignment",),
    "assignment": ("registry", "governance"),
    "registry": ("governance",),
    "governance": (),
}
"""Who calls whom. (State may ask governance, and so far has nothing to ask.)"""
STORES: Final = ("postgres", "valkey")

Link = tuple[str, str]
"""Who calls, and who is called."""
LINKS: Final[tuple[Link, ...]] = tuple(
    (caller, peer) for caller, peers in PEERS.items() for peer in peers
)


class LinkedRuntime(BreakableRuntime):
    """`link` is the proxy between two parts."""

    def __init__(self, options: LocalRuntimeOptions) -> None:
        super().__init__(options)
        self._links: dict[Link, FaultProxy] = {}

    def link(self, caller: str, peer: str) -> FaultProxy:
        """What lies between them; ``postgres`` and ``valkey`` are peers of every service."""
        return self._links[caller, peer]

    async def stop(self) -> None:
        """The runtime first: its parts say goodbye over their links."""
        await super().stop()
        for proxy in self._links.values():
            await proxy.stop()
        self._links.clear()

    async def _start_service(self, process_environment: ProcessEnvironment, name: str) -> None:
        """As always, but over links of its own."""
        environment = {
            f"{PREFIX}{peer.upper()}_ADDRESS": await self._address(name, peer)
            for peer in PEERS[name]
        }
        if name in process_environment.databases:
            environment |= await self._store_urls(process_environment, name)
        extra = {**process_environment.extra, **environment}
        await super()._start_service(replace(process_environment, extra=extra), name)

    async def _store_urls(
        self, process_environment: ProcessEnvironment, name: str
    ) -> dict[str, str]:
        postgres, valkey = [await self._address(name, store) for store in STORES]
        urls = process_environment.databases[name]
        return {
            f"{PREFIX}DATABASE_URL": _through(urls.application, postgres),
            f"{PREFIX}WORKER_DATABASE_URL": _through(urls.worker, postgres),
            f"{PREFIX}REDIS_URL": _through(process_environment.redis_url, valkey),
        }

    async def _address(self, caller: str, peer: str) -> str:
        if (caller, peer) not in self._links:
            proxy = FaultProxy(self.address(peer))
            await proxy.start()
            self._links[caller, peer] = proxy
        return self._links[caller, peer].address


def _through(url: str, address: str) -> str:
    """The URL with another ``host:port``."""
    return re.sub(r"@[^/]+/", f"@{address}/", url)


@asynccontextmanager
async def linked_runtime(environment: Mapping[str, str] = NOTHING) -> AsyncIterator[LinkedRuntime]:
    """One in a temporary folder, gone afterwards; ``environment`` is every service's."""
    async with temporary(
        LinkedRuntime(LocalRuntimeOptions.temporary(environment=environment))
    ) as runtime:
        yield runtime
