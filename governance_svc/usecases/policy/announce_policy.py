"""Records in every tenant's audit which revision of policy is active (events: POLICY_ACTIVATED)."""

from collections.abc import Callable

from governance_svc.domain.policy.activation import PolicyActivation, activated_event
from governance_svc.domain.policy.bundle import BundleTests
from governance_svc.domain.ports import Claims, Units
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.principal import Call


class AnnouncePolicy:
    """Writes one event for each tenant and revision, however many starts and replicas there are."""

    def __init__(
        self, units: Units, claims: Claims, clock: Clock, call_for: Callable[[str], Call]
    ) -> None:
        self._units = units
        self._claims = claims
        self._clock = clock
        self._call_for = call_for
        self._active: tuple[str, BundleTests] | None = None
        self._announced: set[str] = set()

    def activate(self, revision: str, tests: BundleTests) -> None:
        """Announce ``revision`` from now on; ``tests`` are the results of its own tests."""
        self._active = (revision, tests)
        self._announced.clear()

    def announced_to(self, tenant: str) -> bool:
        """Whether ``tenant`` has the event of the active revision."""
        return tenant in self._announced

    async def __call__(self) -> bool:
        """One step: announce the active revision to every tenant that has not its event."""
        for tenant in await self._claims.tenants():
            if self._active is not None and tenant not in self._announced:
                await self._announce(self._call_for(tenant), *self._active)
                self._announced.add(tenant)
        return False

    async def _announce(self, call: Call, revision: str, tests: BundleTests) -> None:
        async with self._units(call) as unit:
            previous = await unit.newest_activation()
            if previous is not None and previous.revision == revision:
                return
            version = 1 if previous is None else previous.version + 1
            activation = PolicyActivation(version, revision, self._clock.now())
            await unit.add_activation(activation)
            await unit.audit(activated_event(activation, previous, tests))
