"""Lists the overlays that were uploaded to a tenant."""

from governance_svc.domain.policy.activation import PolicyRevision
from governance_svc.domain.policy.overlay import StoredOverlay
from governance_svc.domain.ports import Unit, Units
from governance_svc.usecases.policy.tenant_policies import TenantPolicies
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call


class ListPolicies:
    """Lists the overlays of the caller's tenant, newest first."""

    def __init__(self, units: Units, policies: TenantPolicies) -> None:
        self._units = units
        self._policies = policies

    async def __call__(self, call: Call, page: PageRequest) -> tuple[Page[PolicyRevision], str]:
        """A page, and the revision of the whole bundle that decides now."""
        async with self._units.reading(call) as unit:
            found = await unit.list_overlays(page)
            revisions = [await policy_revision(unit, one) for one in found.items]
        decides = self._policies.of(call.tenant).bundle.revision
        return Page(tuple(revisions), found.next_token, found.total), decides


async def policy_revision(unit: Unit, stored: StoredOverlay) -> PolicyRevision:
    """An overlay as it stands: whether it decides, and when it was activated last."""
    head = await unit.find_policy_head()
    activation = await unit.last_activation_of(stored.overlay_revision)
    active = head is not None and head.overlay_revision == stored.overlay_revision
    return PolicyRevision(stored, (), active, activation)
