"""Which policy decides in which tenant: the shipped bundle, or it with the tenant's overlay."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.policy.bundle import BundleTests, PolicyBundle
from governance_svc.domain.policy.engine import PolicyEngine
from governance_svc.usecases.policy.cached_decisions import CachedDecisions
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.verdict import DecisionPoint

TRY_AGAIN_SECONDS = 30.0
"""After this time an overlay that could not be loaded is tried again."""

PREPARED_AT_ONCE = 2
"""Each bundle that is being checked has an engine of its own (I14)."""


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A bundle that an engine serves; ``overlay`` is the revision of the tenant's own part."""

    bundle: PolicyBundle
    engine: PolicyEngine
    decisions: CachedDecisions
    tests: BundleTests = field(default_factory=lambda: BundleTests(0))
    overlay: str = ""


class TenantPolicies:
    """The policy of each tenant, in the memory of this process.

    Tenants share one engine unless they have rules of their own: one engine holds one bundle, and
    what one tenant applies must not decide in another (I12).
    """

    def __init__(
        self,
        bundle: PolicyBundle,
        engine: PolicyEngine,
        clock: Clock,
        new_engine: Callable[[], PolicyEngine] | None = None,
    ) -> None:
        """``new_engine`` makes an engine for one tenant; None where there can be only one."""
        self._shared = LoadedPolicy(bundle, engine, CachedDecisions(engine, clock))
        self._clock = clock
        self._new_engine = new_engine
        self._own: dict[str, LoadedPolicy] = {}
        self._broken: dict[str, tuple[str, str, float]] = {}
        self._preparing = asyncio.Semaphore(PREPARED_AT_ONCE)
        self._complete = False
        self._not_loaded: tuple[str, bool] | None = None

    @property
    def shared(self) -> LoadedPolicy:
        """The policy of every tenant without an overlay."""
        return self._shared

    @property
    def accepts_overlays(self) -> bool:
        """Whether a tenant can have a policy of its own here."""
        return self._new_engine is not None

    def of(self, tenant: str, point: DecisionPoint | None = None) -> LoadedPolicy:
        """The policy that decides ``point`` in ``tenant``.

        Raises `PolicyEngineUnavailable` while none is loaded, with the reason; while it is not
        known whether the tenant has an overlay; and where its overlay cannot be loaded: to go on
        without its rules would allow what they deny. Who may activate policy is always decided by
        the shipped rules, so that no overlay locks out those who could mend it.
        """
        if self._not_loaded:
            why, lasting = self._not_loaded
            raise PolicyEngineUnavailable(f"No policy is loaded: {why}", lasting=lasting)
        if point is DecisionPoint.ACTIVATE_POLICY:
            return self._shared
        if not self._complete:
            raise PolicyEngineUnavailable("It is not known yet which policy this tenant has")
        if tenant in self._broken:
            raise PolicyEngineUnavailable(f"This tenant's own policy: {self._broken[tenant][1]}")
        return self._own.get(tenant, self._shared)

    def catalogue(self, tenant: str) -> Catalogue:
        """The catalogue of a tenant."""
        return self._own.get(tenant, self._shared).bundle.catalogue

    def follows(self, tenant: str, overlay: str) -> bool:
        """Whether ``overlay`` (empty for none) decides in ``tenant``, or was tried just now."""
        if tenant in self._broken:
            tried, _, tried_at = self._broken[tenant]
            return tried == overlay and self._clock.monotonic() - tried_at < TRY_AGAIN_SECONDS
        policy = self._own.get(tenant)
        return overlay == ("" if policy is None else policy.overlay)

    def is_broken(self, tenant: str) -> bool:
        """Whether the overlay of ``tenant`` could not be loaded here."""
        return tenant in self._broken

    async def prepare(self, bundle: PolicyBundle, overlay: str) -> LoadedPolicy:
        """``bundle`` in an engine of its own, which decides nothing yet.

        Raises `BundleRefused` and `PolicyEngineUnavailable`.
        """
        if self._new_engine is None:
            raise PolicyEngineUnavailable("This engine holds one policy for all tenants")
        async with self._preparing:
            engine = self._new_engine()
            try:
                tests = await engine.load(bundle)
            except BaseException:
                await engine.close()
                raise
        return LoadedPolicy(bundle, engine, CachedDecisions(engine, self._clock), tests, overlay)

    async def install(self, tenant: str, policy: LoadedPolicy | None) -> None:
        """Have ``policy`` decide in ``tenant``, None for the shipped bundle alone.

        A decision that the former engine is working on begins anew under ``policy``.
        """
        before = self._own.pop(tenant, None)
        if policy is not None:
            self._own[tenant] = policy
        self._broken.pop(tenant, None)
        if before is not None:
            await before.engine.close()

    def broken(self, tenant: str, overlay: str, why: str) -> None:
        """Refuse every decision in ``tenant``: its overlay cannot be loaded."""
        self._broken[tenant] = (overlay, why, self._clock.monotonic())

    def complete(self) -> None:
        """Every tenant's overlay is known from now on."""
        self._complete = True

    def not_loaded(self, why: str, *, lasting: bool) -> None:
        """The shared engine could not load its bundle: until it has, nothing is decided."""
        self._not_loaded = (why, lasting)

    def use_shared(self, tests: BundleTests) -> None:
        """The shared engine has loaded its bundle."""
        self._not_loaded = None
        shared = self._shared
        self._shared = LoadedPolicy(shared.bundle, shared.engine, shared.decisions, tests)

    async def close(self) -> None:
        """End every engine."""
        for policy in (*self._own.values(), self._shared):
            await policy.engine.close()
