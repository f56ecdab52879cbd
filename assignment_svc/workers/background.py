"""Background workers: loops around the use cases that nobody calls."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from assignment_svc.domain.ports import Claims
from assignment_svc.usecases.handoff.advance_handoff import AdvanceHandoff
from assignment_svc.usecases.membership.advance_retirement import AdvanceRetirement
from assignment_svc.usecases.membership.reconcile import Reconcile
from assignment_svc.usecases.tasks.follow_approval import FollowApproval
from assignment_svc.usecases.tasks.process_task import ProcessTask
from assignment_svc.workers.row_worker import CallFor, RowKind, RowWorker
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.clock import Clock

DUE_INTERVAL: Final = timedelta(milliseconds=500)
"""How often due rows that are left over are looked for."""

LONGEST_REST: Final = timedelta(seconds=1)
"""How long nobody looks where no row is due: another replica may have died with a commit."""

FALLBACK_SECONDS: Final = 30.0
"""How often a kind of row is claimed although nothing says that one is due."""

RECONCILE_INTERVAL: Final = timedelta(seconds=2)
"""How often every busy gate is compared with the registry."""

LINGER_SECONDS: Final = 0.002
"""How long a woken loop waits before it claims, so that one claim takes what came together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIntervals:
    """Seconds between two looks at rows that are due, and between two reconciliations."""

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
    """One loop for each kind of due row, one that knows when to wake these, one that reconciles.

    A commit of this process says which kind of row it made due, and when. What other replicas left
    is found by one statement a second, which asks when the next row of each kind is due.
    """

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
        self._clock = clock
        self._due_interval = timedelta(seconds=intervals.due)
        self._reconcile = use_cases.reconcile
        self._call = call
        kinds = (
            RowKind("tasks", claims.due_tasks, use_cases.tasks),
            RowKind("handoffs", claims.due_handoffs, use_cases.handoffs),
            RowKind("retirements", claims.due_retirements, use_cases.retirements),
            RowKind("approvals", claims.due_approvals, use_cases.approvals),
        )
        tasks, *others = (RowWorker(kind, clock=clock, call=call) for kind in kinds)
        self.tasks = _loop(tasks, linger=LINGER_SECONDS)
        self.due = {tasks.name: self.tasks, **{each.name: _loop(each) for each in others}}
        self._looking = Loop("assignment_due", intervals.due, self.look, linger=LINGER_SECONDS)
        self.reconciling = Loop("assignment_reconcile", intervals.reconcile, self._reconcile_busy)

    async def start(self) -> None:
        """Start every loop; the first steps are run at once."""
        for loop in self._loops():
            await loop.start()

    async def stop(self) -> None:
        """Stop every loop after the steps under way."""
        for loop in self._loops():
            await loop.stop()

    def wake(self) -> None:
        """Have somebody look for due rows now."""
        self._looking.wake()

    def due_at(self, kind: str, at: datetime) -> None:
        """A row of ``kind`` has been committed that is due at ``at``.

        What is due later than the next look is left to that.
        """
        wait, wake = at - self._clock.now(), self.due[kind].wake
        if wait <= timedelta():
            wake()
        elif wait <= LONGEST_REST:
            # Not sooner: a step that finds nothing due would leave the row to the next look.
            asyncio.get_running_loop().call_later(wait.total_seconds(), wake)

    async def look(self) -> timedelta:
        """Wake the loops that have a row due; answers how long there will be no other."""
        now = self._clock.now()
        next_due = await self._claims.next_due(now)
        for kind, due_at in next_due.items():
            if due_at <= now:
                self.due[kind].wake()
        if not next_due:
            return LONGEST_REST
        first: timedelta = min(next_due.values()) - now
        return min(first, LONGEST_REST) if first > timedelta() else self._due_interval

    def _loops(self) -> tuple[Loop, ...]:
        return (self._looking, *self.due.values(), self.reconciling)

    async def _reconcile_busy(self) -> None:
        """Compare every busy gate with the registry, one tenant at a time."""
        for tenant in await self._claims.busy_tenants():
            await self._reconcile(self._call(tenant))


def _loop(worker: RowWorker, *, linger: float = 0.0) -> Loop:
    return Loop(f"assignment_{worker.name}", FALLBACK_SECONDS, worker.step, linger=linger)
