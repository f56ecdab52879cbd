"""Folds what the ledger has gained into the evidence that trust rests on."""

from governance_svc.domain.ports import Tenants, TrustRecords
from governance_svc.usecases.trust.assess_trust import AssessTrust

STRIDE = 2_000
"""Entries of the ledger that are folded at a time."""


class ProjectTrust:
    """Follows the ledger of every tenant."""

    def __init__(self, records: TrustRecords, tenants: Tenants, trust: AssessTrust) -> None:
        self._records = records
        self._tenants = tenants
        self._trust = trust
        self._grown: set[str] = set()

    def grown(self, tenant: str) -> None:
        """There is something to fold for ``tenant``."""
        self._grown.add(tenant)

    async def __call__(self) -> bool:
        """One step: those of whom it is known, else a look at everybody."""
        chosen, self._grown = self._grown, set()
        behind = False
        for tenant in chosen or await self._tenants.known():
            advance = await self._records.advance(tenant, STRIDE)
            if advance is None:
                continue
            self._trust.forget(tenant, advance.concerned)
            if advance.more:
                self._grown.add(tenant)
                behind = True
        return behind
