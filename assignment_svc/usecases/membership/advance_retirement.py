"""Takes a retirement further; every step can be repeated after a crash.

Graceful: each task moves at its next checkpoint, while the source lives. At the deadline, or when
the source dies or is suspended, it counts as gone. Nothing waits for targets.
"""

from collections.abc import Sequence
from datetime import timedelta

from assignment_svc.domain.gate import LOST
from assignment_svc.domain.handoff import Handoff, HandoffFilter
from assignment_svc.domain.predicates import holds, parked_for, seats_of
from assignment_svc.domain.retirement import Retirement, RetirementOutcome
from assignment_svc.domain.states import (
    HandoffStatus,
    Outcome,
    RetirementMode,
    TaskStatus,
)
from assignment_svc.domain.task import Task
from assignment_svc.usecases.handoff.offering import GATE_CLOSED, StandingOffer, end_offer
from assignment_svc.usecases.membership.retirement_record import record_retirement
from assignment_svc.usecases.steps.lose_owner import lose_owner
from assignment_svc.usecases.steps.migration import HandoffStart, begin_handoff
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.steps.unpark import Unparking, unpark
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.pages import LARGEST_SIZE, page_request
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing

INTERVAL = timedelta(seconds=1)
"""Between two steps of a retirement while its tasks are waited for."""
WHY = "its participant retires"


class AdvanceRetirement:
    """Takes a retirement as far as it goes now; calling it again is harmless."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, retirement_id: str) -> None:
        """Advance; raises `Unavailable` where the registry is away: try again later."""
        retirement = await self._read(call, retirement_id)
        if retirement is None or retirement.finished:
            return
        call = call.about(retirement.correlation_id)
        standing = await self._announced(call, retirement)
        gone = self._gone(retirement, standing)
        for handoff in await self._offered(call, retirement.participant_id):
            await self._withdraw(call, handoff)
        for outcome in retirement.outcomes:
            if outcome.outcome is Outcome.OPEN:
                await self._move(call, retirement, outcome.task_id, gone=gone)
        await self._settle(call, retirement, gone=gone)

    async def _read(self, call: Call, retirement_id: str) -> Retirement | None:
        async with self._ports.units.reading(call) as unit:
            return await unit.find_retirement(retirement_id)

    async def _announced(self, call: Call, retirement: Retirement) -> Standing | None:
        """The registry shows RETIRING from now on; the participant's standing as it is there."""
        if not retirement.announced:
            return await self._ports.registry.begin_retirement(call, retirement)
        found = await self._ports.registry.standings(call, [retirement.participant_id])
        return found.get(retirement.participant_id)

    def _gone(self, retirement: Retirement, standing: Standing | None) -> bool:
        """Whether the graceful wait is over."""
        if retirement.mode is RetirementMode.IMMEDIATE or retirement.source_gone:
            return True
        if retirement.deadline_at <= self._ports.clock.now() or standing is None:
            return True
        # RETIRING stays RETIRING when the lease runs out or it is suspended; the reason changes.
        return standing.status in LOST or standing.status_reason in {
            ReasonCode.PARTICIPANT_FAILED.value,
            ReasonCode.PARTICIPANT_LEFT.value,
            ReasonCode.PARTICIPANT_SUSPENDED.value,
        }

    async def _offered(self, call: Call, participant_id: str) -> Sequence[Handoff]:
        async with self._ports.units.reading(call) as unit:
            return await unit.handoffs_to(participant_id)

    async def _withdraw(self, call: Call, read: Handoff) -> None:
        """End an offer to the retiring participant; the task is offered to another target."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(read.task_id)
            handoff = await unit.find_handoff(read.handoff_id)
            if handoff is None or handoff.offer is None or handoff.offer != read.offer:
                return
            await transaction.lock_gates([handoff.offer.target])
            standing = StandingOffer(task, handoff, handoff.offer)
            await end_offer(transaction, standing, GATE_CLOSED)
            await transaction.finish()

    async def _move(self, call: Call, retirement: Retirement, task_id: str, *, gone: bool) -> None:
        """Take one task's step: unparked, fenced, or handed off at its next checkpoint."""
        who, reason = retirement.participant_id, ReasonCode.PARTICIPANT_RETIREMENT
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            handoff = (await unit.open_handoffs([task_id])).get(task_id)
            await transaction.lock_gates({who, *seats_of(task, handoff)})
            owner, parked = task.binding, parked_for(task, who)
            if parked is not None:
                await unpark(transaction, task, parked, Unparking(reason, WHY))
            elif holds(task, handoff, who) and gone:
                await lose_owner(transaction, task, handoff, reason=reason, why=WHY)
            elif owner is not None and handoff is None and _ready(task, retirement):
                start = HandoffStart(reason, at_once=True, why=WHY)
                task, _, _ = await begin_handoff(transaction, task, owner, start)
                await unit.save_task(task)
            await transaction.finish()

    async def _settle(self, call: Call, read: Retirement, *, gone: bool) -> None:
        """Save what became of each task; finish when nothing is bound or on offer."""
        outcomes = tuple([await self._outcome(call, read, one) for one in read.outcomes])
        empty = await self._empty(call, read.participant_id)
        done = empty and all(one.outcome is not Outcome.OPEN for one in outcomes)
        if done:
            # First the registry, then our row: a crash in between repeats, it never forgets.
            settled = read.settled(outcomes, source_gone=gone, next_try_at=None)
            await self._ports.registry.finish_retirement(call, settled)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            locked = await unit.lock_retirement(read.retirement_id)
            if locked.finished:
                return
            next_try_at = None if done else transaction.now + INTERVAL
            now = locked.settled(outcomes, source_gone=gone, next_try_at=next_try_at)
            await unit.save_retirement(await _finished(transaction, now) if done else now)

    async def _outcome(
        self, call: Call, retirement: Retirement, known: RetirementOutcome
    ) -> RetirementOutcome:
        if known.outcome is not Outcome.OPEN:
            return known
        wanted = HandoffFilter(task_id=known.task_id, participant_id=retirement.participant_id)
        async with self._ports.units.reading(call) as unit:
            task = await unit.find_task(known.task_id)
            page = page_request(LARGEST_SIZE, "", {"task": known.task_id})
            handoffs = (await unit.list_handoffs(wanted, page)).items
        mine = [one for one in handoffs if one.source == retirement.participant_id]
        newest = mine[0] if mine else None
        return known if task is None else outcome_of(task, newest, retirement.participant_id)

    async def _empty(self, call: Call, participant_id: str) -> bool:
        async with self._ports.units.reading(call) as unit:
            gate = (await unit.find_gates([participant_id])).get(participant_id)
            held = await unit.held_by(participant_id)
        return (gate is None or gate.used == 0) and not held


async def _finished(transaction: TaskTransaction, retirement: Retirement) -> Retirement:
    finished = retirement.finish(transaction.now)
    kind = AuditEventType.RETIREMENT_FINISHED
    recorded, _ = await record_retirement(
        transaction, (retirement, finished), kind, retirement.record
    )
    return recorded


def _ready(task: Task, retirement: Retirement) -> bool:
    """Whether the participant holds the task and may hand it off now.

    It has never been started, or it was checkpointed since the retirement began.
    """
    if task.owner_id != retirement.participant_id:
        return False
    if task.status is TaskStatus.ASSIGNED:
        return True
    pointer = task.pointer
    fresh = pointer is not None and pointer.recorded_at >= retirement.created_at
    return task.status is TaskStatus.ACTIVE and fresh


def outcome_of(task: Task, newest: Handoff | None, participant_id: str) -> RetirementOutcome:
    """What became of one task of a retiring participant."""
    outcome = Outcome.OPEN
    if task.ended:
        outcome = Outcome.COMPLETED if task.status is TaskStatus.SUCCEEDED else Outcome.ENDED
    elif holds(task, newest, participant_id) or parked_for(task, participant_id):
        outcome = Outcome.OPEN
    elif task.binding is not None:
        outcome = Outcome.HANDED_OFF
    elif task.status in {TaskStatus.MIGRATING, TaskStatus.AWAITING_APPROVAL}:
        outcome = Outcome.WAITING
    else:
        outcome = Outcome.RETURNED
    handed = newest if newest is not None and newest.status is HandoffStatus.COMPLETED else None
    target = task.owner_id or (handed.target if handed else "")
    return RetirementOutcome(
        task_id=task.task_id,
        outcome=outcome,
        target=target if outcome is Outcome.HANDED_OFF else "",
        handoff_id=newest.handoff_id if newest is not None else "",
    )
