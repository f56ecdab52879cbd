"""Applies the registry's standings to what participants hold.

FAILED or SUSPENDED: the gate is closed and its tasks lose their owner. REGISTERED (the same
participant came back): closed, its tasks stay and have to be resumed in time. Grants shrunk: tasks
that are no longer covered lose their owner. Every step can be repeated, and is decided under the
task's lock.

Many standings are applied together: what they mean is read in one transaction for all of them, and
only what has to change is locked, several tasks in one commit. Many failures at once then cost what
moves their tasks, and a runtime in which nothing happens costs a few reads.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.losses import next_loss_is_last
from assignment_svc.domain.predicates import seats_of
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import resume_awaited, resume_settled
from assignment_svc.usecases.handoff.offering import GATE_CLOSED, StandingOffer, end_offer
from assignment_svc.usecases.membership.standing_effect import StandingEffect, effect_of, loss_of
from assignment_svc.usecases.steps.losses import HeldTask, lock_held, lose
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.steps.unpark import Unparking, unpark
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing

WIDTH: Final = 4
"""How many tasks are moved at once: below the pool of connections."""
TOGETHER: Final = 50
"""Gates that are brought up in one commit: nobody waits long for any of them."""
MOVED_TOGETHER: Final = 8
"""Tasks that are moved in one commit."""


@dataclass(frozen=True, slots=True)
class Due:
    """A task that a standing seems to change; that is decided again under the lock.

    ``alone`` where the step may touch more than the task and its handoff.
    """

    task_id: str
    standing: Standing
    alone: bool


class ApplyStandings:
    """Brings gates up to date with standings and moves the tasks that may not stay."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._width = asyncio.Semaphore(WIDTH)

    async def __call__(self, call: Call, standings: Mapping[str, Standing]) -> None:
        """Apply ``standings``, by participant; one that its gate has overtaken changes nothing.

        A task whose step fails stops no other one; then the first failure is raised.
        """
        await self._bring_up(call, standings)
        due = await self._due(call, standings)
        steps = (self._in_turn(call, some) for some in in_commits(due))
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _bring_up(self, call: Call, standings: Mapping[str, Standing]) -> None:
        """Save the gates before any task changes: nothing is bound under an older standing."""
        async with self._ports.units.reading(call) as unit:
            known = await unit.find_gates(standings)
        behind = [
            standing
            for name, standing in sorted(standings.items())
            if name not in known or known[name].standing_revision < standing.standing_revision
        ]
        for at in range(0, len(behind), TOGETHER):
            async with self._ports.units.single(call) as unit:
                await unit.bring_up_gates(behind[at : at + TOGETHER])

    async def _due(self, call: Call, standings: Mapping[str, Standing]) -> list[Due]:
        """The tasks that have to change, as they were last committed."""
        async with self._ports.units.reading(call) as unit:
            tasks = await unit.tasks_around(standings)
            if not tasks:
                return []
            handoffs = await unit.open_handoffs([task.task_id for task in tasks])
            gates = await unit.find_gates(standings)
        due = []
        for task in tasks:
            handoff = handoffs.get(task.task_id)
            for name in sorted(_concerned(task, handoff) & gates.keys()):
                standing, gate = standings[name], gates[name]
                if gate.standing_revision != standing.standing_revision:
                    continue  # something newer is being applied already
                if effect_of(standing, gate, task, handoff) is not StandingEffect.NONE:
                    due.append(Due(task.task_id, standing, alone(task)))
        return due

    async def _in_turn(self, call: Call, due: Sequence[Due]) -> None:
        async with self._width:
            left = due if len(due) == 1 else await self._together(call, due)
            await self._singly(call, left)

    async def _together(self, call: Call, due: Sequence[Due]) -> Sequence[Due]:
        """Carry out what can be carried out in one commit; answers the others, which have to wait.

        All of them where that fails: whichever of them is at fault raises it again by itself.
        """
        try:
            return await self._steps(call, due)
        except Exception:  # noqa: BLE001  # raised again by the one that is at fault
            return due

    async def _singly(self, call: Call, due: Sequence[Due]) -> None:
        failures: list[Exception] = []
        for each in due:
            try:
                await self._step(call, each.task_id, each.standing)
            except Exception as error:  # noqa: BLE001  # raised once the others have been moved
                failures.append(error)
        if failures:
            raise failures[0]

    async def _steps(self, call: Call, due: Sequence[Due]) -> Sequence[Due]:
        """Decide and carry out the steps of several tasks under their locks, in one commit.

        Answers those that somebody else has locked, or that may not be moved beside others.
        """
        left: list[Due] = []
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            ids = [each.task_id for each in due]
            tasks = await unit.lock_free_tasks(ids)
            handoffs = await unit.open_handoffs(ids)
            seats = [seats_of(task, handoffs.get(name)) for name, task in tasks.items()]
            who = {each.standing.participant_id for each in due}
            await transaction.lock_gates(who.union(*seats))
            for each in due:
                task = tasks.get(each.task_id)
                if task is None or alone(task):
                    left.append(each)
                    continue
                handoff = handoffs.get(each.task_id)
                held = HeldTask((task,), {each.task_id: handoff} if handoff else {})
                await _decide(transaction, held, each.standing)
            await transaction.finish()
        return left

    async def _step(self, call: Call, task_id: str, standing: Standing) -> None:
        """Decide and carry out one task's step under its lock."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            held = await lock_held(transaction, task_id, [standing.participant_id])
            await _decide(transaction, held, standing)
            await transaction.finish()


def alone(task: Task) -> bool:
    """Whether the task's step may end a family, which is locked from its parents down."""
    return bool(task.spec.parent_task_id) or next_loss_is_last(task)


def in_commits(due: Sequence[Due]) -> list[tuple[Due, ...]]:
    """What is carried out in one commit each: several tasks, each of them once."""
    commits: list[tuple[Due, ...]] = []
    together: dict[str, Due] = {}
    for each in due:
        if each.alone or each.task_id in together:
            commits.append((each,))
        else:
            together[each.task_id] = each
    several = tuple(together.values())
    chunks = range(0, len(several), MOVED_TOGETHER)
    return [several[at : at + MOVED_TOGETHER] for at in chunks] + commits


def _concerned(task: Task, handoff: Handoff | None) -> set[str]:
    """Whose standing may mean something for the task: those with a seat, and a parked target."""
    parked = {task.parked.target} if task.parked is not None and task.parked.target else set()
    return seats_of(task, handoff) | parked


async def _decide(transaction: TaskTransaction, held: HeldTask, standing: Standing) -> None:
    """Carry out what the standing means for the task, unless its gate reflects a newer one."""
    gate = transaction.gate(standing.participant_id)
    if gate.standing_revision == standing.standing_revision:
        effect = effect_of(standing, gate, held.task, held.handoff)
        await _carry_out(transaction, held, standing, effect)


async def _carry_out(
    transaction: TaskTransaction, held: HeldTask, standing: Standing, effect: StandingEffect
) -> None:
    task, handoff = held.task, held.handoff
    offer = handoff.offer if handoff is not None else None
    if effect is StandingEffect.LOST:
        reason, why = loss_of(standing, task)
        await lose(transaction, held, reason=reason, why=why)
    elif effect is StandingEffect.AWAITED:
        until = transaction.now + transaction.rules.resume_timeout
        await transaction.unit.save_task(resume_awaited(task, until))
    elif effect is StandingEffect.RESUMED:
        await transaction.unit.save_task(resume_settled(task))
    elif effect is StandingEffect.UNPARKED and task.parked is not None:
        why = f"its target is {transaction.gate(standing.participant_id).status.value}"
        await unpark(transaction, task, task.parked, Unparking(ReasonCode.GATE_CLOSED, why))
    elif effect is StandingEffect.WITHDRAWN and handoff is not None and offer is not None:
        await end_offer(transaction, StandingOffer(task, handoff, offer), GATE_CLOSED)
