"""Answers the catalogue of the active policy."""

from governance_svc.domain.policy.bundle import PolicyBundle
from governance_svc.usecases.policy.tenant_policies import TenantPolicies
from phoenix_runtime.core.principal import Call


class GetCatalogue:
    """Answers the active bundle with its types, capabilities, domains and permissions."""

    def __init__(self, policies: TenantPolicies) -> None:
        self._policies = policies

    async def __call__(self, call: Call) -> PolicyBundle:
        """The bundle whose catalogue is active in the caller's tenant."""
        return self._policies.of(call.tenant).bundle
