"""How much a tenant may ask: counted where its call enters the house, and nowhere behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from phoenix_runtime.chassis.context import serving
from phoenix_runtime.chassis.interceptors.chain import Arrival
from phoenix_runtime.chassis.quota import Quotas


class QuotaStage:
    """Admits calls by their tenant's quotas.

    A call that a service brings was counted at its first hop, or has no caller. One without
    credential has no tenant either.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    @asynccontextmanager
    async def around(self, arrival: Arrival) -> AsyncIterator[None]:
        """Raises `QuotaExceeded`; streams are read at their tenant's pace."""
        now = serving.get()
        if arrival.rpc is None or now.call is None or now.call.service:
            yield
            return
        tenant = now.call.tenant
        async with self._quotas.admitted(tenant, arrival.rpc):
            if arrival.rpc.client_streaming:
                serving.set(replace(now, pace=partial(self._quotas.pace, tenant)))
            yield
