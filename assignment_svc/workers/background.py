"""What assignment does by itself: loops around use cases, and nothing else."""

from dataclasses import dataclass
from typing import Final

from assignment_svc.domain.ports import Claims
from assignment_svc.usecases.handoff.advance_handoff import AdvanceHandoff
from assignment_svc.usecases.membership.advance_retirement import AdvanceRetirement
from assignment_svc.usecases.membership.reconcile import Reconcile
from assignment_svc.usecases.tasks.follow_approval import FollowApproval
from assignment_svc.usecases.tasks.process_task import ProcessTask
from assignment_svc.workers.duty import CallFor, RowWorker
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.clock import Clock

LINGER: Final = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIntervals:
    """How often, in seconds, where nobody wakes a loop."""

    due: float = 0.5
    reconcile: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerUseCases:
    """The use cases that loops run."""

    tend: ProcessTask
    handoffs: AdvanceHandoff
    retirements: AdvanceRetirement
    approvals: FollowApproval
    reconcile: Reconcile


class Workers:
    """The loops, and the bell that wakes those that work on due rows."""

    def __init__(
        self,
        duties: WorkerUseCases,
        claims: Claims,
        *,
        clock: Clock,
        call: CallFor,
        pace: WorkerIntervals,
    ) -> None:
        self._claims = claims
        self._reconcile = duties.reconcile
        self._call = call
        tasks = RowWorker("tasks", claims.due_tasks, duties.tend, clock=clock, call=call)
        works = (
            RowWorker("handoffs", claims.due_handoffs, duties.handoffs, clock=clock, call=call),
            RowWorker(
                "retirements", claims.due_retirements, duties.retirements, clock=clock, call=call
            ),
            RowWorker("approvals", claims.due_approvals, duties.approvals, clock=clock, call=call),
        )
        self.tend = self._loop(tasks, pace)
        self.due = (self.tend, *(self._loop(work, pace) for work in works))
        self.level = Loop("assignment_reconcile", pace.reconcile, self._all_tenants)

    def _loop(self, work: RowWorker, pace: WorkerIntervals) -> Loop:
        return Loop(f"assignment_{work.name}", pace.due, work.step, linger=LINGER)

    async def start(self) -> None:
        """Begin; the first steps are run at once."""
        for loop in (*self.due, self.level):
            await loop.start()

    async def stop(self) -> None:
        """End after the steps under way."""
        for loop in (*self.due, self.level):
            await loop.stop()

    def wake(self) -> None:
        """Look for due rows now."""
        for loop in self.due:
            loop.wake()

    async def _all_tenants(self) -> None:
        """Compare every busy gate with the registry, one tenant at a time."""
        for tenant in await self._claims.tenants():
            await self._reconcile(self._call(tenant))
