"""What governance does without being asked."""

from dataclasses import dataclass

import structlog

from governance_svc.usecases.approvals.expire_approvals import ExpireApprovals
from governance_svc.usecases.policy.announce_policy import AnnouncePolicy
from governance_svc.usecases.policy.load_policy import LoadPolicy
from governance_svc.usecases.trust.project_trust import ProjectTrust
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.errors import PolicyEngineUnavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WorkerUseCases:
    """The use cases of the background workers."""

    expire: ExpireApprovals
    project: ProjectTrust
    announce: AnnouncePolicy
    load: LoadPolicy


class Workers:
    """One loop a duty; word of a grown ledger wakes those whom it concerns."""

    def __init__(self, duties: WorkerUseCases) -> None:
        self._duties = duties
        self._project = Loop("project_trust", 5.0, duties.project)
        self._announce = Loop("announce_policy", 5.0, duties.announce)
        self._loops = (
            Loop("load_policy", 1.0, self.load_policy),
            Loop("expire_approvals", 1.0, duties.expire),
            self._project,
            self._announce,
        )

    async def start(self) -> None:
        """Begin every duty."""
        for loop in self._loops:
            await loop.start()

    async def stop(self) -> None:
        """End every duty."""
        for loop in reversed(self._loops):
            await loop.stop()

    def grown(self, tenant: str) -> None:
        """A tenant's ledger has grown, perhaps for the first time."""
        self._duties.project.grown(tenant)
        self._project.wake()
        if not self._duties.announce.knows(tenant):
            self._announce.wake()

    async def load_policy(self) -> bool:
        """Load the policy, or say that nothing is decided meanwhile; the next step tries again."""
        try:
            return await self._duties.load()
        except PolicyEngineUnavailable as error:
            log.warning("no policy engine: every decision is refused", error=str(error))
            return False
