"""The interceptor stage that admits calls by their tenant's quotas."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial

from phoenix_runtime.chassis.limits.quotas import Quotas
from phoenix_runtime.chassis.rpc.interceptors.stages import Arrival
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.chassis.serving import Serving, serving


class QuotaStage:
    """Admits calls by their tenant's quotas.

    A call that a service brings was counted at its first hop, or has no caller. One without
    credential has no tenant either.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def around(self, arrival: Arrival) -> AbstractAsyncContextManager[None] | None:
        """Raises `QuotaExceeded` on entering; streams are read at their tenant's pace."""
        now = serving.get()
        if arrival.rpc is None or now.call is None or now.call.service:
            return None
        return self._admitted(arrival.rpc, now, now.call.tenant)

    @asynccontextmanager
    async def _admitted(self, rpc: Rpc, now: Serving, tenant: str) -> AsyncIterator[None]:
        async with self._quotas.admitted(tenant, rpc):
            if rpc.client_streaming:
                serving.set(replace(now, pace=partial(self._quotas.pace, tenant)))
            yield
