"""The service's own bundle is loaded, and loaded again after its engine was away or too slow."""

from __future__ import annotations

from typing import Any, cast

import pytest

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.domain.policy.bundle import (
    BundleCutOff,
    BundleRefused,
    BundleTests,
    PolicyBundle,
)
from governance_svc.usecases.policy.load_policy import LoadPolicy
from governance_svc.usecases.policy.tenant_policies import TenantPolicies
from governance_svc.workers.background import Workers, WorkerUseCases
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Violation

pytestmark = pytest.mark.asyncio


class Engine:
    """Fails to load a bundle with each of these errors, one after the other; then it loads it."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.loaded = False

    async def load(self, bundle: PolicyBundle, *, tested: bool = False) -> BundleTests:
        del bundle, tested
        if self._failures:
            raise self._failures.pop(0)
        self.loaded = True
        return BundleTests(1)


class Told:
    """In place of whoever is told that a policy was loaded."""

    def loaded(self) -> None:
        """Announce it."""

    def forget_all(self) -> None:
        """Read trust again."""


def workers(engine: Engine) -> Workers:
    policies = TenantPolicies(shipped_bundle(), cast("Any", engine), ManualClock())
    unused, told = cast("Any", None), cast("Any", Told())
    load = LoadPolicy(policies, told, told)
    return Workers(WorkerUseCases(unused, unused, unused, load, unused))


async def test_a_bundle_whose_engine_is_away_or_was_cut_off_is_loaded_later() -> None:
    cut_off = BundleCutOff([Violation("bundle", "The policy was cut off at its deadline")])
    engine = Engine(PolicyEngineUnavailable("away"), cut_off)
    loading = workers(engine)
    await loading.load_policy()
    await loading.load_policy()
    assert not engine.loaded
    await loading.load_policy()
    assert engine.loaded


async def test_a_bad_bundle_is_refused_at_once() -> None:
    engine = Engine(BundleRefused([Violation("bundle", "has no tests of its own")]))
    with pytest.raises(BundleRefused):
        await workers(engine).load_policy()
