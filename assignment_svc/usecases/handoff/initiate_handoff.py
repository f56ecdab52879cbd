"""Initiates the handoff of a task whose owner lives (Algorithm 5); nothing is interrupted yet."""

from dataclasses import dataclass

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import step
from assignment_svc.domain.texts import checked_id
from assignment_svc.usecases.handoff.results import HandoffResult
from assignment_svc.usecases.steps.migration import HandoffStart, begin_handoff
from assignment_svc.usecases.steps.permissions import refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.errors import NotPermitted, StaleAssignment
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call, Role
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class HandoffRequest:
    """Whose task shall move, and why. ``source`` is the owner as the caller believes."""

    task_id: str
    source: str
    why: str = ""


class InitiateHandoff:
    """Starts a handoff; an open one of the same task is answered again."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, asked: HandoffRequest) -> HandoffResult:
        """Begin a handoff away from a living owner.

        Raises `NotFound`, `NotPermitted`, `StaleAssignment` where ``source`` does not hold the
        task, `IllegalTransition` where the task cannot migrate.
        """
        checked_id("source", asked.source)
        async with refusals_audited(self._ports, call, "InitiateHandoff"):
            actor = _actor(call, asked.source)
            return await self._begin(call, asked, actor)

    async def _begin(self, call: Call, asked: HandoffRequest, actor: Actor) -> HandoffResult:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(asked.task_id)
            known = (await unit.open_handoffs([task.task_id])).get(task.task_id)
            if known is not None and known.source == asked.source:
                result = HandoffResult(known, _receipt_of(task, known))
            else:
                result = await self._start(transaction, task, asked, (call.actor, actor))
            await unit.remember(result)
        return result

    async def _start(
        self, transaction: TaskTransaction, task: Task, asked: HandoffRequest, by: tuple[str, Actor]
    ) -> HandoffResult:
        binding = task.binding
        if binding is None or binding.participant_id != asked.source:
            raise StaleAssignment(task_id=task.task_id, epoch=0, current_epoch=task.epoch)
        step(task, TaskVerb.MIGRATE, Actor.ENGINE)  # whether it could migrate later
        requested_by, actor = by
        start = HandoffStart(ReasonCode.REQUESTED, requested_by, actor, why=asked.why)
        task, handoff, receipt = await begin_handoff(transaction, task, binding, start)
        await transaction.unit.save_task(task)
        await transaction.direct(
            DirectiveAction.CHECKPOINT_TASK,
            asked.source,
            task,
            facts={"handoff_id": handoff.handoff_id, "reason": handoff.reason},
        )
        return HandoffResult(handoff, receipt)


def _actor(call: Call, source: str) -> Actor:
    """The owner itself, or an operator."""
    if call.principal.participant == source:
        return Actor.SOURCE
    if call.principal.has(Role.OPERATOR):
        return Actor.OPERATOR
    raise NotPermitted(
        "Only the owner of a task, or an operator, may hand it off",
        remedy="Have the participant that holds it, or an operator, do it: `phoenix-dma handoff`.",
    )


def _receipt_of(task: Task, handoff: Handoff) -> Receipt:
    """The receipt of the handoff's last step, for a repetition."""
    return Receipt(
        audit_event_id=handoff.last_event_id,
        correlation_id=task.correlation_id,
        aggregate_version=task.version,
    )
