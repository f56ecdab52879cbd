"""OPA's REST API by URL as a `PolicyEngine`: the bundle is pushed, tested and asked there."""

import asyncio
from collections.abc import Sequence
from typing import Final

from governance_svc.adapters.policy_engines.opa_session import OpaAddress, OpaSession
from governance_svc.adapters.policy_engines.policy_session import FAULT, admit, ask, restore
from governance_svc.domain.policy.bundle import BundleTests, PolicyBundle
from governance_svc.domain.policy.engine import Evaluation
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

RESTING: Final = 5.0
"""Seconds between two times that a server that forgets is given the policy again: where that does
not help, each question would otherwise push all of it, and all others would wait for that."""


class OpaRest:
    """A `PolicyEngine` on an OPA server of one's own. Safe to ask from many tasks at once.

    The server takes modules one by one, so a push is no atomic switch there: the revision is taken
    away first and set last, and an answer without the wanted revision is never used.
    """

    def __init__(self, address: OpaAddress) -> None:
        self._address = address
        self._session = OpaSession(address)
        self._pusher = OpaSession(address)
        self._pusher.allow(address.loading)
        self._pushing = asyncio.Lock()
        self._bundle: PolicyBundle | None = None
        self._next_recovery = 0.0

    @property
    def revision(self) -> str:
        """The revision that is served; empty before the first load."""
        return self._bundle.revision if self._bundle else ""

    async def load(self, bundle: PolicyBundle, *, tested: bool = False) -> BundleTests:
        """Push ``bundle``, test it there; raises `BundleRefused`: the old one is put back."""
        async with self._pushing:
            try:
                await self._pusher.forget()
                tests = await admit(self._pusher, bundle, tested=tested)
            except BaseException:
                await self._put_back()
                raise
            self._bundle = bundle
            return tests

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        """Ask the server; raises `PolicyEngineUnavailable` where it is away or serves another."""
        if not inputs:
            return Evaluation(self.revision, [])
        for _ in range(2):
            served, answer = await self._asked(point, inputs)
            if self._bundle is not None and served in {self._bundle.revision, FAULT}:
                return Evaluation(self._bundle.revision, answer)
            await self._recover()
        raise PolicyEngineUnavailable("The OPA server does not keep the policy that it is given")

    async def close(self) -> None:
        """Close the connections; the server keeps running and keeps the policy."""
        await self._session.close()
        await self._pusher.close()

    async def _asked(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> tuple[str, Json]:
        if self._bundle is None:
            raise PolicyEngineUnavailable("No policy is loaded")
        return await ask(self._session, point, inputs)

    async def _recover(self) -> None:
        """Wait for a push under way; put the bundle back where the server has forgotten it."""
        async with self._pushing:
            served = await self._pusher.document("phoenix_bundle.revision", {})
            if self._bundle is None or served == self._bundle.revision:
                return
            if served is not None:
                raise PolicyEngineUnavailable(f"The OPA server serves the policy {served}")
            now = asyncio.get_running_loop().time()
            if now < self._next_recovery:
                raise PolicyEngineUnavailable("The OPA server has forgotten its policy again")
            self._next_recovery = now + RESTING
            await self._pusher.forget()
            await restore(self._pusher, self._bundle)

    async def _put_back(self) -> None:
        try:
            await self._pusher.forget()
            if self._bundle is not None:
                await restore(self._pusher, self._bundle)
        except PolicyEngineUnavailable:
            # Away already: the first question finds no revision and puts the bundle back.
            return
