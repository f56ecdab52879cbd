"""What a participant's standing means for what it holds. Events are hints; this reads the truth.

FAILED or SUSPENDED: the gate is closed and its tasks lose their owner. REGISTERED (the same
participant came back): closed, its tasks stay and have to be resumed in time. Grants shrunk: tasks
that are no longer covered lose theirs. Every step is repeatable and judged under the row's lock.
"""

from dataclasses import replace

from assignment_svc.domain.gate import LOST, Gate
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.predicates import covers
from assignment_svc.domain.states import HandoffStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.act import Act
from assignment_svc.usecases.advance_retirement import parked_for
from assignment_svc.usecases.lose_owner import holds, lose_owner, seats_of
from assignment_svc.usecases.offering import withdraw_offer
from assignment_svc.usecases.ports import Ports
from assignment_svc.usecases.unpark import GATE_CLOSED, unpark
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import ParticipantStatus, Standing


class ApplyStanding:
    """Brings a gate up to a standing and moves what may not stay."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, standing: Standing) -> None:
        """Apply ``standing``; an older one than the gate has seen is left alone."""
        if not await self._bring_up(call, standing):
            return
        who = standing.participant_id
        async with self._ports.units.reading(call) as unit:
            held = set(await unit.held_by(who))
            held |= {handoff.task_id for handoff in await unit.handoffs_from(who)}
            held |= {handoff.task_id for handoff in await unit.handoffs_to(who)}
        changed = [await self._task(call, task_id, standing) for task_id in sorted(held)]
        if any(changed):
            self._ports.bell.ring()

    async def _bring_up(self, call: Call, standing: Standing) -> bool:
        """First the gate, in a commit of its own: nothing is bound under the older standing."""
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            await act.lock_gates([standing.participant_id])
            gate = act.gate(standing.participant_id)
            if gate.standing_revision > standing.standing_revision:
                return False
            act.put_gate(gate.brought_up(standing))
            await act.finish()
        return True

    async def _task(self, call: Call, task_id: str, standing: Standing) -> bool:
        """One task's step; whether anything changed."""
        who = standing.participant_id
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task = await unit.lock_task(task_id)
            handoff = (await unit.open_handoffs([task_id])).get(task_id)
            await act.lock_gates({who, *seats_of(task, handoff)})
            gate = act.gate(who)
            if gate.standing_revision != standing.standing_revision:
                return False  # something newer is being applied already
            if holds(task, handoff, who):
                changed = await _owner(act, task, handoff, standing)
            elif parked_for(task, who):
                changed = await _target(act, task, gate)
            else:
                changed = await _offered(act, task, handoff, gate)
            await act.finish()
        return changed


async def _owner(act: Act, task: Task, handoff: Handoff | None, standing: Standing) -> bool:
    """The holder of the task, or the living source of its handoff."""
    reason, why = loss_of(standing, task)
    if reason is not ReasonCode.NONE:
        await lose_owner(act, task, handoff, reason=reason, why=why)
        return True
    binding = task.binding
    if binding is None:
        return False
    came_back = (
        standing.status is ParticipantStatus.REGISTERED or standing.generation > binding.generation
    )
    if came_back and task.resume_by is None:
        await act.unit.save_task(replace(task, resume_by=act.now + act.rules.resume_timeout))
        return True
    if not came_back and task.resume_by is not None:
        await act.unit.save_task(replace(task, resume_by=None))
    return False


def loss_of(standing: Standing, task: Task) -> tuple[ReasonCode, str]:
    """Why the participant may not keep the task; `ReasonCode.NONE` where it may."""
    if standing.status in LOST:
        reason = LOST[standing.status]
        if standing.status_reason == ReasonCode.PARTICIPANT_LEFT.value:
            reason = ReasonCode.PARTICIPANT_LEFT
        return reason, f"{standing.participant_id} is {standing.status.value}"
    if not covers(standing, task.spec):
        return ReasonCode.UNAUTHORIZED, "its grants do not cover the task any more"
    return ReasonCode.NONE, ""


async def _target(act: Act, task: Task, gate: Gate) -> bool:
    """The target of an assignment that waits for a human."""
    if gate.is_open(degraded_allowed=task.spec.degraded_allowed):
        return False
    await unpark(act, task, ReasonCode.GATE_CLOSED, f"its target is {gate.status.value}")
    return True


async def _offered(act: Act, task: Task, handoff: Handoff | None, gate: Gate) -> bool:
    """The target of an offer that stands."""
    offer = handoff.offer if handoff is not None else None
    if handoff is None or offer is None or handoff.status is not HandoffStatus.OFFERED:
        return False
    if offer.target != gate.participant_id:
        return False
    if gate.is_open(degraded_allowed=task.spec.degraded_allowed):
        return False
    await withdraw_offer(act, task, handoff, GATE_CLOSED)
    return True
