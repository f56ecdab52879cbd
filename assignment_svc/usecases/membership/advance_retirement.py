"""Advance: the engine's step of a retirement; every step can be repeated after a crash.

Graceful: each task moves at its next checkpoint, while the source lives. At the deadline, or when
the source dies or is suspended, it counts as gone. Nothing waits for targets.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from assignment_svc.domain.gate import LOST
from assignment_svc.domain.handoff import Handoff, HandoffFilter
from assignment_svc.domain.lifecycle import RETIREMENT
from assignment_svc.domain.predicates import holds, parked_for, seats_of
from assignment_svc.domain.retirement import Retirement, RetirementOutcome
from assignment_svc.domain.states import (
    Actor,
    HandoffStatus,
    Outcome,
    RetirementMode,
    TaskStatus,
)
from assignment_svc.domain.task import Task
from assignment_svc.usecases.handoff.offering import GATE_CLOSED, withdraw_offer
from assignment_svc.usecases.steps.lose_owner import lose_owner
from assignment_svc.usecases.steps.migration import HandoffStart, begin_handoff
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.steps.unpark import unpark
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.pages import LARGEST_SIZE, page_request
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing

LOOK = timedelta(seconds=1)
"""How often a retirement is looked at while tasks are waited for."""
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
        # RETIRING stays RETIRING when its lease runs out or it is suspended; the reason tells.
        return standing.status in LOST or standing.status_reason in {
            ReasonCode.PARTICIPANT_FAILED.value,
            ReasonCode.PARTICIPANT_LEFT.value,
            ReasonCode.PARTICIPANT_SUSPENDED.value,
        }

    async def _offered(self, call: Call, participant_id: str) -> Sequence[Handoff]:
        async with self._ports.units.reading(call) as unit:
            return await unit.handoffs_to(participant_id)

    async def _withdraw(self, call: Call, seen: Handoff) -> None:
        """What is on offer to a retiring participant is offered to somebody else."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            handoff = await unit.find_handoff(seen.handoff_id)
            if handoff is None or handoff.offer is None or handoff.offer != seen.offer:
                return
            await transaction.lock_gates([handoff.offer.target])
            await withdraw_offer(transaction, task, handoff, GATE_CLOSED)
            await transaction.finish()
        self._ports.due_work.notify()

    async def _move(self, call: Call, retirement: Retirement, task_id: str, *, gone: bool) -> None:
        """One task's step: unparked, fenced, or handed off at its next checkpoint."""
        who = retirement.participant_id
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            handoff = (await unit.open_handoffs([task_id])).get(task_id)
            await transaction.lock_gates({who, *seats_of(task, handoff)})
            if parked_for(task, who):
                await unpark(transaction, task, ReasonCode.PARTICIPANT_RETIREMENT, WHY)
            elif holds(task, handoff, who) and gone:
                reason = ReasonCode.PARTICIPANT_RETIREMENT
                await lose_owner(transaction, task, handoff, reason=reason, why=WHY)
            elif holds(task, handoff, who) and handoff is None and _ready(task, retirement):
                await self._hand_off(transaction, task)
            await transaction.finish()
        self._ports.due_work.notify()

    async def _hand_off(self, transaction: TaskTransaction, task: Task) -> None:
        if task.binding is None:
            raise LookupError(f"{task.task_id} has no owner to leave")
        start = HandoffStart(ReasonCode.PARTICIPANT_RETIREMENT, "engine", why=WHY)
        saved, handoff, _ = await begin_handoff(transaction, task, task.binding, start)
        await transaction.unit.save_task(saved)
        await transaction.unit.save_handoff(replace(handoff, next_try_at=transaction.now))

    async def _settle(self, call: Call, seen: Retirement, *, gone: bool) -> None:
        """Write down what became of each task; finish when nothing is bound or on offer."""
        outcomes = [await self._outcome(call, seen, one) for one in seen.outcomes]
        empty = await self._empty(call, seen.participant_id)
        done = empty and all(one.outcome is not Outcome.OPEN for one in outcomes)
        settled = replace(
            seen, outcomes=tuple(outcomes), announced=True, source_gone=seen.source_gone or gone
        )
        if done:
            # First the registry, then our row: a crash in between repeats, it never forgets.
            await self._ports.registry.finish_retirement(call, settled)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            locked = await unit.lock_retirement(seen.retirement_id)
            if locked.finished:
                return
            now = replace(
                locked,
                outcomes=settled.outcomes,
                announced=True,
                source_gone=settled.source_gone,
                next_try_at=None if done else transaction.now + LOOK,
            )
            await unit.save_retirement(await self._finished(transaction, now) if done else now)

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

    async def _finished(self, transaction: TaskTransaction, retirement: Retirement) -> Retirement:
        status = RETIREMENT.apply(retirement.status, "finish", Actor.ENGINE)
        version = retirement.version + 1
        receipt = await transaction.unit.audit(
            AuditDraft(
                type=AuditEventType.RETIREMENT_FINISHED,
                aggregate=retirement.aggregate,
                aggregate_version=version,
                participant=retirement.participant_id,
                reason_code=ReasonCode.PARTICIPANT_RETIREMENT,
                previous_state=retirement.status.value,
                new_state=status.value,
                correlation_id=retirement.correlation_id,
                detail=retirement.record,
            )
        )
        return replace(
            retirement,
            status=status,
            version=version,
            finished_at=transaction.now,
            last_event_id=receipt.audit_event_id,
        )


def _ready(task: Task, retirement: Retirement) -> bool:
    """Whether it may be handed off: never started, or checkpointed since the retirement began."""
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
