"""Records in every tenant's audit which revision of policy is active (events: POLICY_ACTIVATED)."""

from collections.abc import Callable

from governance_svc.domain.policy.activation import PolicyActivation, activated_event
from governance_svc.domain.ports import Claims, Units
from governance_svc.usecases.policy.tenant_policies import LoadedPolicy, TenantPolicies
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.principal import Call


class AnnouncePolicy:
    """Writes one event for each tenant and revision, however many starts and replicas there are."""

    def __init__(
        self,
        units: Units,
        claims: Claims,
        policies: TenantPolicies,
        clock: Clock,
        call_for: Callable[[str], Call],
    ) -> None:
        self._units = units
        self._claims = claims
        self._clock = clock
        self._call_for = call_for
        self._policies = policies
        self._loaded = False
        self._announced: dict[str, str] = {}

    def loaded(self) -> None:
        """Announce from now on what is loaded."""
        self._loaded = True

    def announced_to(self, tenant: str) -> bool:
        """Whether ``tenant`` has the event of a revision, the active one or an older one."""
        return tenant in self._announced

    async def __call__(self) -> bool:
        """One step: announce the active revision to every tenant that has not its event."""
        if not self._loaded:
            return False
        for tenant in await self._claims.tenants():
            try:
                policy = self._policies.of(tenant)
            except PolicyEngineUnavailable:
                continue
            if self._announced.get(tenant) != policy.bundle.revision:
                await self._announce(self._call_for(tenant), policy)
                self._announced[tenant] = policy.bundle.revision
        return False

    async def _announce(self, call: Call, policy: LoadedPolicy) -> None:
        async with self._units(call) as unit:
            head = await unit.lock_policy_head()
            if (head.overlay_revision if head else "") != policy.overlay:
                return  # another replica has activated another one, which this one follows
            previous = await unit.newest_activation()
            if previous is not None and previous.revision == policy.bundle.revision:
                return
            activation = PolicyActivation(
                version=1 if previous is None else previous.version + 1,
                revision=policy.bundle.revision,
                activated_at=self._clock.now(),
                overlay_revision=policy.overlay,
            )
            await unit.add_activation(activation)
            await unit.audit(activated_event(activation, previous, policy.tests))
