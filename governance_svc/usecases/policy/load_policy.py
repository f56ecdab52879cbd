"""Loads the bundle into the policy engine, and retries while the engine is away."""

from datetime import timedelta
from typing import Final

from governance_svc.domain.policy.bundle import BundleCutOff
from governance_svc.usecases.policy.announce_policy import AnnouncePolicy
from governance_svc.usecases.policy.tenant_policies import TenantPolicies
from governance_svc.usecases.trust.assess_trust import AssessTrust
from phoenix_runtime.core.errors import PolicyEngineUnavailable

LOADED: Final = timedelta(hours=1)
"""The rest of a loop that has loaded its bundle."""


class LoadPolicy:
    """Loads one bundle for the life of the process; another bundle needs a new start."""

    def __init__(
        self,
        policies: TenantPolicies,
        announce: AnnouncePolicy,
        trust: AssessTrust,
    ) -> None:
        self._policies = policies
        self._announce = announce
        self._trust = trust
        self._loaded = False

    async def __call__(self) -> timedelta:
        """Load it once; raises `PolicyEngineUnavailable`, and `BundleRefused` for a bad one.

        After `BundleCutOff` it may be tried again. Answers a rest: nothing is left to be loaded.
        """
        if not self._loaded:
            shared = self._policies.shared
            try:
                tests = await shared.engine.load(shared.bundle)
            except (PolicyEngineUnavailable, BundleCutOff) as error:
                lasting = isinstance(error, PolicyEngineUnavailable) and error.lasting
                self._policies.not_loaded(error.text, lasting=lasting)
                raise
            self._policies.use_shared(tests)
            self._loaded = True
            self._trust.forget_all()
            self._announce.loaded()
        return LOADED
