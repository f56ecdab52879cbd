"""What the use cases need from outside, as they see it. Store and adapters implement it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from governance_svc.domain.rows import (
    Approvals,
    Certifications,
    LedgerEvents,
    PolicyActivations,
    PolicyOverlays,
    TrustProjections,
)
from phoenix_runtime.core import ports
from phoenix_runtime.core.ports import Journal


class Unit(
    Journal,
    Approvals,
    Certifications,
    PolicyActivations,
    PolicyOverlays,
    TrustProjections,
    LedgerEvents,
    Protocol,
):
    """One transaction of governance: all of it is committed, or nothing."""


Units: TypeAlias = ports.Units[Unit]
"""Opens units."""


class Claims(Protocol):
    """What the worker role sees across tenants."""

    async def next_expiry(self, now: datetime) -> datetime | None:
        """When the next pending approval ends that nobody has claimed; None where there is none."""
        ...

    async def expired_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim pending approvals past their end: (tenant, approval id)."""
        ...

    async def policy_heads(self) -> Sequence[tuple[str, str]]:
        """(tenant, overlay revision) of every tenant that ever activated one; empty for none."""
        ...

    async def tenants(self) -> Sequence[str]:
        """Every tenant that has a ledger."""
        ...

    async def unprojected_tenants(self) -> Sequence[str]:
        """Tenants whose ledger has entries that are not projected by the present rules."""
        ...
