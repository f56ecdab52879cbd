"""Runs the background workers of governance."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from governance_svc.domain.policy.bundle import BundleCutOff
from governance_svc.domain.trust.projection import PATIENT_TYPES
from governance_svc.usecases.approvals.expire_approvals import ExpireApprovals
from governance_svc.usecases.policy.announce_policy import AnnouncePolicy
from governance_svc.usecases.policy.follow_policies import FollowPolicies
from governance_svc.usecases.policy.load_policy import LoadPolicy
from governance_svc.usecases.trust.project_trust import ProjectTrust
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.events import AuditEventType

log = structlog.get_logger()

POLL_SECONDS: Final = 1.0
"""How often what tenants have activated, and an engine that is away, are looked for."""
PATIENCE_SECONDS: Final = 0.25
"""How long the outcomes of tasks wait, so that those of many are projected together."""
RECONCILE_INTERVAL: Final = timedelta(seconds=5)
"""How often every ledger is compared with what was projected and announced."""


@dataclass(frozen=True, slots=True)
class WorkerUseCases:
    """The use cases of the background workers."""

    expire: ExpireApprovals
    project: ProjectTrust
    announce: AnnouncePolicy
    load: LoadPolicy
    follow: FollowPolicies


class Workers:
    """Runs one loop for each use case; an append to a ledger wakes those that it concerns."""

    def __init__(
        self, use_cases: WorkerUseCases, reconcile: timedelta = RECONCILE_INTERVAL
    ) -> None:
        self._use_cases = use_cases
        every = reconcile.total_seconds()
        self._project = Loop("project_trust", every, use_cases.project)
        self._announce = Loop("announce_policy", every, use_cases.announce)
        self._expire = Loop("expire_approvals", POLL_SECONDS, use_cases.expire)
        self._loops = (
            Loop("load_policy", POLL_SECONDS, self.load_policy),
            Loop("follow_policies", POLL_SECONDS, self.follow_policies),
            self._expire,
            self._project,
            self._announce,
        )

    async def start(self) -> None:
        """Start every loop."""
        for loop in self._loops:
            await loop.start()

    async def stop(self) -> None:
        """Stop every loop."""
        for loop in reversed(self._loops):
            await loop.stop()

    def ledger_appended(self, tenant: str, types: Collection[str]) -> None:
        """Wake the loops after an append to a tenant's ledger, perhaps the first one."""
        self._use_cases.project.appended(tenant)
        self._project.wake(within=PATIENCE_SECONDS if PATIENT_TYPES.issuperset(types) else 0.0)
        if AuditEventType.APPROVAL_REQUESTED in types:
            self._expire.wake()  # it may end before the loop would look
        if not self._use_cases.announce.announced_to(tenant):
            self._announce.wake()

    async def load_policy(self) -> bool | timedelta:
        """Load the policy; without an engine log it, since no decision can be had meanwhile.

        The same where the engine was cut off at its deadline: a busy machine refuses no good
        bundle for good. Raises `BundleRefused` for a bad one.
        """
        return await _logged(self._use_cases.load)

    async def follow_policies(self) -> bool | timedelta:
        """Load what tenants have activated; without an engine log it."""
        return await _logged(self._use_cases.follow)


async def _logged(step: Callable[[], Awaitable[bool | timedelta]]) -> bool | timedelta:
    try:
        return await step()
    except (PolicyEngineUnavailable, BundleCutOff) as error:
        log.warning("policy_engine_unavailable", error=str(error))
        return False
