"""The embedded policy engine: OPA in a child process that is replaced when it dies or hangs.

Closing an engine does not stop an endless evaluation, so the engine runs outside the service and is
killed at its deadline. A new revision is a new child: the bundle is admitted there, then the
children are swapped; the old one finishes its request first.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from governance_svc.adapters.policy_engines.bundle_admission import admit, restore
from governance_svc.adapters.policy_engines.child_session import (
    ChildSession,
    EngineLimits,
    SessionEnded,
)
from governance_svc.adapters.policy_engines.policy_session import (
    EvaluationAborted,
    NoEngine,
    evaluate,
)
from governance_svc.domain.policy.bundle import BundleTests, PolicyBundle
from governance_svc.domain.policy.engine import Evaluation
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

CRASHES: Final = 3
"""After so many children in a row that a signal, or a lack of memory, ended at their start, there
is no engine."""


class EmbeddedEngine:
    """A `PolicyEngine` in a child process. Safe to use from many tasks at once."""

    def __init__(self, limits: EngineLimits | None = None) -> None:
        self._limits = limits or EngineLimits()
        self._loading = asyncio.Lock()
        self._swapping = asyncio.Lock()
        self._bundle: PolicyBundle | None = None
        self._session: ChildSession | None = None
        self._crashes = 0

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
            if self._bundle is None and self._limits.starting is not None:
                session.deadline = self._limits.starting
            try:
                tests = await admit(session, bundle, tested=tested)
            except BaseException as error:
                await session.kill()
                self._count_crash(session, error)
                raise
            self._crashes = 0
            async with self._swapping:
                old = self._serve(session, bundle)
        if old is not None:
            await old.finish()
        return tests

    def _count_crash(self, session: ChildSession, error: BaseException) -> None:
        """Raise `NoEngine` where no child has lived to answer, `CRASHES` times in a row."""
        self._crashes = self._crashes + 1 if session.crashed else 0
        if self._crashes >= CRASHES and isinstance(error, EvaluationAborted):
            raise NoEngine(f"{error.text}, {self._crashes} times in a row") from error

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        """Evaluate; raises `PolicyEngineUnavailable` where the engine dies during it."""
        if not inputs:
            return Evaluation(self.revision, [])
        try:
            session, revision = await self._running_session()
            return Evaluation(revision, (await evaluate(session, point, inputs))[1])
        except SessionEnded:
            # Another request killed the engine, or a new revision was swapped in, while this
            # request waited for the pipe.
            session, revision = await self._running_session()
            return Evaluation(revision, (await evaluate(session, point, inputs))[1])

    async def close(self) -> None:
        """End the child."""
        async with self._loading, self._swapping:
            session, self._session, self._bundle = self._session, None, None
        if session is not None:
            await session.kill()

    async def _running_session(self) -> tuple[ChildSession, str]:
        session, bundle = self._session, self._bundle
        if session is not None and bundle is not None and not session.ended:
            return session, bundle.revision
        async with self._swapping:
            return await self._replace_ended()

    async def _replace_ended(self) -> tuple[ChildSession, str]:
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
        """Serve ``bundle`` from ``session``; answers the session that served before."""
        session.deadline = self._limits.evaluation
        old, self._session, self._bundle = self._session, session, bundle
        return old
