"""What the use cases need from outside, as they see it. Store and adapters implement it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from governance_svc.domain.rows import (
    Approvals,
    Certifications,
    Journal,
    LedgerEvents,
    PolicyActivations,
    TrustProjections,
)
from phoenix_runtime.core.principal import Call


class Unit(
    Journal,
    Approvals,
    Certifications,
    PolicyActivations,
    TrustProjections,
    LedgerEvents,
    Protocol,
):
    """One transaction of governance: all of it is committed, or nothing."""


class Units(Protocol):
    """Opens units in the call's tenant."""

    def __call__(self, call: Call) -> AbstractAsyncContextManager[Unit]:
        """Open a unit that commits when the block ends without an error."""
        ...

    def reading(self, call: Call) -> AbstractAsyncContextManager[Unit]:
        """Open a unit that only reads."""
        ...


class Claims(Protocol):
    """What the worker role sees across tenants."""

    async def expired_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim pending approvals past their end: (tenant, approval id)."""
        ...

    async def tenants(self) -> Sequence[str]:
        """Every tenant that has a ledger."""
        ...
