"""Projects new entries of the ledgers into the evidence that trust rests on."""

from collections.abc import Callable

from governance_svc.domain.ports import Claims, Units
from governance_svc.usecases.trust.assess_trust import AssessTrust
from phoenix_runtime.core.principal import Call

MAX_ENTRIES = 2_000
"""The most entries of one ledger that one step projects."""


class ProjectTrust:
    """Follows the ledger of every tenant."""

    def __init__(
        self, units: Units, claims: Claims, trust: AssessTrust, call_for: Callable[[str], Call]
    ) -> None:
        self._units = units
        self._claims = claims
        self._trust = trust
        self._call_for = call_for
        self._appended: set[str] = set()

    def appended(self, tenant: str) -> None:
        """The next step projects ``tenant``, whose ledger has new entries."""
        self._appended.add(tenant)

    async def __call__(self) -> bool:
        """One step: the tenants that `appended` named, else all with entries to project.

        True where entries are left.
        """
        tenants, self._appended = self._appended, set()
        more = False
        for tenant in tenants or await self._claims.unprojected_tenants():
            async with self._units(self._call_for(tenant)) as unit:
                step = await unit.advance_projections(MAX_ENTRIES)
            if step is None:
                continue
            self._trust.forget(tenant, step.concerned)
            if step.more:
                self._appended.add(tenant)
                more = True
        return more
