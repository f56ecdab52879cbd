"""A runtime for tests: leases can be ended before their time, tenants are there for the asking.

`phoenix_dma.testing` is what tests use.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from phoenix_runtime.local.data_folder.keys import write_issuer_enrolment
from phoenix_runtime.local.data_folder.profile import PAPER_ADDRESS, Profile, write_profile
from phoenix_runtime.local.options import LocalRuntimeOptions
from phoenix_runtime.local.runtime import LocalRuntime
from phoenix_runtime.local.services import GATEWAY

LEASES: Final = "phoenix_dma:leases"
"""Where the registry has its leases by default; see its setting ``lease_name``."""

ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PHOENIX_DMA_DEBUG": "true",  # permits that leases are ended
        "PHOENIX_DMA_LEASE_NAME": LEASES,
        # What is a matter of seconds in production is one of tenths here: tests wait for it.
        "PHOENIX_DMA_RECONCILE_INTERVAL": "0.5",
        "PHOENIX_DMA_DUE_INTERVAL": "0.1",
        "PHOENIX_DMA_LAST_CHECKPOINT": "1",
    }
)
"""The environment of every service. Leases are as long as in production: a busy machine would be
mistaken for a dead agent."""


class RuntimeForTests(LocalRuntime):
    """A runtime on free ports in a temporary folder, which goes with it."""

    def __init__(self) -> None:
        super().__init__(LocalRuntimeOptions.temporary(environment=ENVIRONMENT))

    async def stop(self) -> None:
        """Stop everything, and remove the data."""
        try:
            await super().stop()
        finally:
            shutil.rmtree(self.options.data, ignore_errors=True)

    def issuer_profile(self, tenant: str) -> Path:
        """A profile that enrols whomever, as the first of every descent; good for five minutes."""
        folder = self.folder.path / "tenants" / tenant
        file = folder / "issuer.toml"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        credential = folder / "issuer.jwt"
        key = self.folder.keys / "issuer.jwk"
        write_issuer_enrolment(credential, key, tenant=tenant)
        write_profile(
            file,
            Profile(
                grpc=self.address(GATEWAY),
                rest=f"http://{self.address('rest')}",
                tenant=tenant,
                credential=credential,
                resolve={PAPER_ADDRESS: self.address(GATEWAY)},
            ),
        )
        return file

    async def end_lease(self, tenant: str, participant_id: str, generation: int) -> None:
        """Have the registry take a lease for over with its next sweep, whatever beats it gets."""
        from redis.asyncio import Redis  # noqa: PLC0415  # it takes long to import

        async with Redis.from_url(self.redis_url) as client:
            await client.sadd(f"{LEASES}:ended", f"{tenant}/{participant_id}/{generation}")
