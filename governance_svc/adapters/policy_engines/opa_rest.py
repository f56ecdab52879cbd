"""An OPA server as a `PolicyEngine`: the bundle is pushed, tested and evaluated by its REST API."""

import asyncio
from collections.abc import Sequence
from typing import Final

from governance_svc.adapters.policy_engines.bundle_admission import admit, restore
from governance_svc.adapters.policy_engines.opa_session import OpaAddress, OpaSession
from governance_svc.adapters.policy_engines.policy_session import (
    UNKNOWN_REVISION,
    engines_fault,
    evaluate,
)
from governance_svc.domain.policy.bundle import BundleTests, PolicyBundle
from governance_svc.domain.policy.engine import Evaluation
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

RECOVERY_SECONDS: Final = 5.0
"""The shortest time between two recoveries of a server that lost the policy: where a recovery does
not help, each evaluation would otherwise push the whole bundle, and all others would wait."""


class OpaRest:
    """A `PolicyEngine` on the operator's OPA server. Safe to use from many tasks at once.

    The server takes modules one by one, so a push is no atomic switch there: the revision is
    removed first and set last, and an answer without the wanted revision is never used.
    """

    def __init__(self, address: OpaAddress) -> None:
        self._address = address
        self._session = OpaSession(address)
        self._push_session = OpaSession(address)
        self._push_session.set_deadline(address.starting or address.loading)
        self._pushing = asyncio.Lock()
        self._bundle: PolicyBundle | None = None
        self._next_recovery = 0.0

    @property
    def revision(self) -> str:
        """The revision that is served; empty before the first load."""
        return self._bundle.revision if self._bundle else ""

    async def load(self, bundle: PolicyBundle, *, tested: bool = False) -> BundleTests:
        """Push ``bundle``, test it there; raises `BundleRefused`: the old one is restored."""
        async with self._pushing:
            try:
                await self._push_session.clear()
                tests = await admit(self._push_session, bundle, tested=tested)
            except BaseException:
                await self._restore_previous()
                raise
            self._bundle = bundle
            self._push_session.set_deadline(self._address.loading)
            return tests

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        """Evaluate; raises `PolicyEngineUnavailable` where the server is away or serves another."""
        if not inputs:
            return Evaluation(self.revision, [])
        for _ in range(2):
            served, answer = await self._evaluate(point, inputs)
            if self._bundle is not None and served in {self._bundle.revision, UNKNOWN_REVISION}:
                return Evaluation(self._bundle.revision, answer)
            await self._recover()
        raise PolicyEngineUnavailable("The OPA server does not keep the policy that was pushed")

    async def close(self) -> None:
        """Close the connections; the server keeps running and keeps the policy."""
        await self._session.close()
        await self._push_session.close()

    async def _evaluate(
        self, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[str, Json]:
        if self._bundle is None:
            raise PolicyEngineUnavailable("No policy is loaded")
        return await evaluate(self._session, point, inputs)

    async def _recover(self) -> None:
        """Wait for a push that is running; push the bundle again where the server has lost it."""
        async with self._pushing:
            with engines_fault("The OPA server does not say which policy it serves"):
                served = await self._push_session.document("phoenix_bundle.revision", {})
            if self._bundle is None or served == self._bundle.revision:
                return
            if served is not None:
                raise PolicyEngineUnavailable(f"The OPA server serves the policy {served}")
            now = asyncio.get_running_loop().time()
            if now < self._next_recovery:
                raise PolicyEngineUnavailable("The OPA server has lost its policy again")
            self._next_recovery = now + RECOVERY_SECONDS
            await self._push_session.clear()
            await restore(self._push_session, self._bundle)

    async def _restore_previous(self) -> None:
        try:
            await self._push_session.clear()
            if self._bundle is not None:
                await restore(self._push_session, self._bundle)
        except PolicyEngineUnavailable:
            # The server is away already: the first evaluation finds no revision and recovers.
            return
