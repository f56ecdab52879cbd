"""Has every replica decide by the overlays that its tenants activated, wherever they did it."""

from collections.abc import Callable

from governance_svc.domain.policy.bundle import BundleRefused
from governance_svc.domain.ports import Claims, Units
from governance_svc.usecases.policy.tenant_policies import TenantPolicies
from governance_svc.usecases.policy.upload_policy import prepare
from governance_svc.usecases.trust.assess_trust import AssessTrust
from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.principal import Call


class FollowPolicies:
    """Loads what was activated elsewhere, or before this process started."""

    def __init__(
        self,
        units: Units,
        claims: Claims,
        policies: TenantPolicies,
        trust: AssessTrust,
        call_for: Callable[[str], Call],
    ) -> None:
        self._units = units
        self._claims = claims
        self._policies = policies
        self._trust = trust
        self._call_for = call_for

    async def __call__(self) -> bool:
        """One step: load every overlay that is active and not loaded here.

        A tenant whose overlay does not fit this release has no decisions until it activates
        another one: without its rules it would be allowed what they deny. It is tried again now and
        then, since an engine that is cut off at its deadline refuses a good one, too. The same goes
        for an engine that takes no overlay, an OPA server. Raises `PolicyEngineUnavailable` and
        `Unavailable`.
        """
        for tenant, overlay_revision in await self._claims.policy_heads():
            if not self._policies.follows(tenant, overlay_revision):
                await self._follow(tenant, overlay_revision)
        self._policies.complete()
        return False

    async def _follow(self, tenant: str, overlay_revision: str) -> None:
        if not overlay_revision:
            await self._policies.install(tenant, None)
            self._trust.forget_all()
            return
        async with self._units.reading(self._call_for(tenant)) as unit:
            stored = await unit.find_overlay(overlay_revision)
        if stored is None:
            return  # committed before its head: the next step finds it
        try:
            loaded = await prepare(self._policies, stored.overlay)
        except (BundleRefused, FieldInvalid) as refused:
            self._policies.broken(tenant, overlay_revision, refused.text)
            return
        await self._policies.install(tenant, loaded)
        self._trust.forget_all()
