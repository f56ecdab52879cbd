"""Loads the bundle into the policy engine, and retries while the engine is away."""

from governance_svc.domain.policy.bundle import PolicyBundle
from governance_svc.domain.policy.engine import PolicyEngine
from governance_svc.usecases.policy.announce_policy import AnnouncePolicy
from governance_svc.usecases.trust.assess_trust import AssessTrust


class LoadPolicy:
    """Loads one bundle for the life of the process; another bundle needs a new start."""

    def __init__(
        self,
        engine: PolicyEngine,
        bundle: PolicyBundle,
        announce: AnnouncePolicy,
        trust: AssessTrust,
    ) -> None:
        self._engine = engine
        self._bundle = bundle
        self._announce = announce
        self._trust = trust
        self._loaded = False

    async def __call__(self) -> bool:
        """Load it once; raises `PolicyEngineUnavailable`, and `BundleRefused` for a bad one."""
        if not self._loaded:
            tests = await self._engine.load(self._bundle)
            self._loaded = True
            self._trust.forget_all()
            self._announce.activate(self._bundle.revision, tests)
        return False
