"""Background workers: loops around the use cases that nobody calls."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from assignment_svc.domain.ports import Claims
from assignment_svc.usecases.handoff.advance_handoff import AdvanceHandoff
from assignment_svc.usecases.membership.advance_retirement import AdvanceRetirement
from assignment_svc.usecases.membership.reconcile import Reconcile
from assignment_svc.usecases.tasks.follow_approval import FollowApproval
from assignment_svc.usecases.tasks.process_task import ProcessTask
from assignment_svc.workers.row_worker import CallFor, RowWorker
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.clock import Clock

DUE_INTERVAL: Final = timedelta(milliseconds=500)
"""How often a loop that nothing wakes looks for due rows."""

RECONCILE_INTERVAL: Final = timedelta(seconds=2)
"""How often every busy gate is compared with the registry."""

LINGER_SECONDS: Final = 0.002
"""How long a woken loop waits before it claims, so that one claim takes what came together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIntervals:
    """Seconds between two steps of a loop that nothing wakes."""

    due: float
    reconcile: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerUseCases:
    """The use cases that the loops run, named by the rows that each works on."""

    tasks: ProcessTask
    handoffs: AdvanceHandoff
    retirements: AdvanceRetirement
    approvals: FollowApproval
    reconcile: Reconcile


class Workers:
    """One loop for each kind of due row, and one that reconciles every tenant's gates."""

    def __init__(
        self,
        use_cases: WorkerUseCases,
        claims: Claims,
        *,
        clock: Clock,
        call: CallFor,
        intervals: WorkerIntervals,
    ) -> None:
        self._claims = claims
        self._reconcile = use_cases.reconcile
        self._call = call
        tasks, *others = (
            RowWorker(name, claim, work, clock=clock, call=call)
            for name, claim, work in (
                ("tasks", claims.due_tasks, use_cases.tasks),
                ("handoffs", claims.due_handoffs, use_cases.handoffs),
                ("retirements", claims.due_retirements, use_cases.retirements),
                ("approvals", claims.due_approvals, use_cases.approvals),
            )
        )
        self.tasks = _loop(tasks, intervals)
        self.due = (self.tasks, *(_loop(worker, intervals) for worker in others))
        self.reconciling = Loop("assignment_reconcile", intervals.reconcile, self._all_tenants)

    async def start(self) -> None:
        """Start every loop; the first steps are run at once."""
        for loop in (*self.due, self.reconciling):
            await loop.start()

    async def stop(self) -> None:
        """Stop every loop after the steps under way."""
        for loop in (*self.due, self.reconciling):
            await loop.stop()

    def wake(self) -> None:
        """Have every loop look for due rows now."""
        for loop in self.due:
            loop.wake()

    async def _all_tenants(self) -> None:
        """Compare every busy gate with the registry, one tenant at a time."""
        for tenant in await self._claims.tenants():
            await self._reconcile(self._call(tenant))


def _loop(worker: RowWorker, intervals: WorkerIntervals) -> Loop:
    name = f"assignment_{worker.name}"
    return Loop(name, intervals.due, worker.step, linger=LINGER_SECONDS)
