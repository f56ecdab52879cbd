"""The embedded policy engine: OPA in a child process, replaced when it dies or runs away.

Closing an engine does not stop a runaway evaluation, so it lives outside and is killed at its
deadline. A new revision is a new child: admitted there, then swapped; the old one finishes first.
"""

import asyncio
from collections.abc import Sequence

from governance_svc.adapters.policy_engines.child_session import (
    ChildSession,
    EngineLimits,
    SessionEnded,
)
from governance_svc.adapters.policy_engines.policy_session import admit, ask, restore
from governance_svc.domain.policy.bundle import BundleTests, PolicyBundle
from governance_svc.domain.policy.engine import Evaluation
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.verdict import DecisionPoint


class EmbeddedEngine:
    """A `PolicyEngine` in a child process. Safe to ask from many tasks at once."""

    def __init__(self, limits: EngineLimits | None = None) -> None:
        self._limits = limits or EngineLimits()
        self._loading = asyncio.Lock()
        self._swapping = asyncio.Lock()
        self._bundle: PolicyBundle | None = None
        self._session: ChildSession | None = None

    @property
    def revision(self) -> str:
        """The revision that is served; empty before the first load."""
        return self._bundle.revision if self._bundle else ""

    @property
    def pid(self) -> int:
        """The process id of the engine, 0 where none runs; for those who watch processes."""
        return self._session.pid if self._session and not self._session.ended else 0

    async def load(self, bundle: PolicyBundle, *, tested: bool = False) -> BundleTests:
        """Admit ``bundle`` in a new child, then swap; raises `BundleRefused`: the old one stays."""
        async with self._loading:
            session = await ChildSession.start(self._limits)
            try:
                tests = await admit(session, bundle, tested=tested)
            except BaseException:
                await session.kill()
                raise
            async with self._swapping:
                old = self._serve(session, bundle)
        if old is not None:
            await old.finish()
        return tests

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        """Ask the engine; raises `PolicyEngineUnavailable` where it dies over the question."""
        if not inputs:
            return Evaluation(self.revision, [])
        try:
            session, revision = await self._living()
            return Evaluation(revision, (await ask(session, point, inputs))[1])
        except SessionEnded:
            # Somebody else's question cost the engine its life, or a new revision was swapped in
            # while this one waited for its turn.
            session, revision = await self._living()
            return Evaluation(revision, (await ask(session, point, inputs))[1])

    async def close(self) -> None:
        """End the child."""
        async with self._loading, self._swapping:
            session, self._session, self._bundle = self._session, None, None
        if session is not None:
            await session.kill()

    async def _living(self) -> tuple[ChildSession, str]:
        session, bundle = self._session, self._bundle
        if session is not None and bundle is not None and not session.ended:
            return session, bundle.revision
        async with self._swapping:
            return await self._replaced()

    async def _replaced(self) -> tuple[ChildSession, str]:
        if self._bundle is None:
            raise PolicyEngineUnavailable("No policy is loaded")
        if self._session is not None and not self._session.ended:
            return self._session, self._bundle.revision
        session = await ChildSession.start(self._limits)
        try:
            await restore(session, self._bundle)
        except BaseException:
            await session.kill()
            raise
        self._serve(session, self._bundle)
        return session, self._bundle.revision

    def _serve(self, session: ChildSession, bundle: PolicyBundle) -> ChildSession | None:
        session.deadline = self._limits.evaluation
        old, self._session, self._bundle = self._session, session, bundle
        return old
