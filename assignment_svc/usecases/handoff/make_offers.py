"""Makes offers: those that are ready at the same time in one commit.

Fifty owners that die at once leave fifty handoffs, each with a target. A commit of its own for each
would take longer than all that was asked before.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.predicates import CandidateLost, StaleRead
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.candidates import AssignmentHistory
from assignment_svc.usecases.handoff.evaluate_target import TargetEvaluation
from assignment_svc.usecases.handoff.offering import make_offer
from assignment_svc.usecases.steps.lose_owner import lose_owner
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.shared_questions import Caller
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.waiting.together import Together

AT_ONCE: Final = 8
"""Offers of one commit: the gates that it has locked are waited for by others."""


@dataclass(frozen=True, slots=True)
class HandoffSnapshot:
    """A handoff and its task as they were read together, and what decides who is asked."""

    task: Task
    handoff: Handoff
    known: AssignmentHistory

    def still(self, task: Task | None, handoff: Handoff | None) -> tuple[Task, Handoff]:
        """Task and handoff as they are under the lock; raises `StaleRead` where one moved on."""
        same = (
            handoff is not None
            and task is not None
            and handoff.handoff_id == self.handoff.handoff_id
            and handoff.status is self.handoff.status
            and handoff.offer == self.handoff.offer
            and handoff.source_gone == self.handoff.source_gone
            and task.status is self.task.status
            and task.epoch == self.task.epoch
            and task.pointer == self.task.pointer
        )
        if handoff is None or task is None or not same:
            raise StaleRead
        return task, handoff


@dataclass(frozen=True, slots=True)
class Proposal:
    """A handoff, and the target that policy allows for it."""

    snapshot: HandoffSnapshot
    target: TargetEvaluation

    @property
    def concerned(self) -> set[str]:
        """Whose gates an offer touches."""
        return {self.snapshot.handoff.source, self.target.participant_id}

    @property
    def by_itself(self) -> bool:
        """Whether its task is locked alone: one of a family is locked from its parents down."""
        return bool(self.snapshot.task.spec.parent_task_id)


@dataclass(frozen=True, slots=True)
class Locked:
    """Somebody else has locked the task."""


LOCKED: Final = Locked()
Outcome: TypeAlias = Exception | None
"""Why no offer was made, where none was."""


class MakeOffers:
    """Offers tasks to targets, in rounds of one commit each."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._rounds = Together(self._round, most=AT_ONCE)

    async def __call__(self, call: Call, proposal: Proposal) -> None:
        """Make the offer; raises `CandidateLost` and `StaleRead`, and nothing has changed then."""
        made: Outcome | Locked = LOCKED
        if not proposal.by_itself:
            made = await self._rounds(Caller.of(call), (call, proposal))
        outcome = await self._alone(call, proposal) if isinstance(made, Locked) else made
        if outcome is not None:
            raise outcome

    async def _round(
        self, _: Caller, asked: Sequence[tuple[Call, Proposal]]
    ) -> Sequence[Outcome | Locked]:
        """One commit for all whose tasks nobody has locked.

        Each of the others writes by itself, and the next round does not wait for it. The same holds
        for all where that commit fails: one of them is at fault.
        """
        proposals = [proposal for _, proposal in asked]
        with contextlib.suppress(Exception):
            return await self._write_free(asked[0][0], proposals)
        return [LOCKED] * len(asked)

    async def _alone(self, call: Call, proposal: Proposal) -> Outcome:
        """Write one, once its task is free."""
        task_id = proposal.snapshot.task.task_id
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            tasks = {task_id: await unit.lock_task(task_id)}
            (outcome,) = await _offers(transaction, tasks, [proposal])
        return outcome if not isinstance(outcome, Locked) else None

    async def _write_free(
        self, call: Call, proposals: Sequence[Proposal]
    ) -> Sequence[Outcome | Locked]:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            tasks = await unit.lock_free_tasks([one.snapshot.task.task_id for one in proposals])
            return await _offers(transaction, tasks, proposals)


async def _offers(
    transaction: TaskTransaction, tasks: Mapping[str, Task], proposals: Sequence[Proposal]
) -> Sequence[Outcome | Locked]:
    """Make the offers of the tasks that are locked; what cannot be offered changes nothing."""
    handoffs = await transaction.unit.open_handoffs(tasks)
    held = [one for one in proposals if one.snapshot.task.task_id in tasks]
    await transaction.lock_gates(set().union(*(one.concerned for one in held)))
    outcomes: list[Outcome | Locked] = []
    for one in proposals:
        task_id = one.snapshot.task.task_id
        try:
            if task_id in tasks:
                found = one.snapshot.still(tasks[task_id], handoffs.get(task_id))
                await _offer(transaction, found, one.target)
            outcomes.append(None if task_id in tasks else LOCKED)
        except (StaleRead, CandidateLost) as lost:
            outcomes.append(lost)
    await transaction.finish()
    return outcomes


async def _offer(
    transaction: TaskTransaction, held: tuple[Task, Handoff], target: TargetEvaluation
) -> None:
    """Offer, or take the source away first; raises before anything is written."""
    task, handoff = held
    if not handoff.source_gone and transaction.gate(handoff.source).marked:
        # A source that retires is not given its task back if the offer fails: it counts as
        # gone. The offer is made in the next round, which the lost source asks for at once.
        why = "a target was found for the task of a retiring participant"
        reason = ReasonCode.PARTICIPANT_RETIREMENT
        await lose_owner(transaction, task, handoff, reason=reason, why=why)
    else:
        await make_offer(transaction, task, handoff, target.evaluation)
