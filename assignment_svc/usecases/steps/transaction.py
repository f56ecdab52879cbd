"""One transaction on tasks: seats, directives, and the event of every step.

*Ask outside, act inside*: a `TaskTransaction` never waits for a peer. It keeps the gates that the
unit has locked, so that two tasks of one commit see each other's seats, and writes them back at
its end.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from assignment_svc.domain import handoff_transitions, task_transitions
from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.obligations import (
    UsedApproval,
    awaits_approval,
    met_by_approvals,
    newly_met,
)
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.predicates import admitted, fresh
from assignment_svc.domain.task import Binding, BindingRecord, Task
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.suspects import apart, kept_apart_from
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.json import EMPTY_OBJECT, Json, JsonObject
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class EventFields:
    """The fields of one event about a task or its handoff, beyond those that every event has.

    ``verb`` is the task's step where the event gains or loses an owner; the history of bindings
    names it. ``used`` is the human's yes that the step uses; it may meet an obligation.
    """

    type: AuditEventType
    reason: ReasonCode = ReasonCode.NONE
    participant: str = ""
    verdict: Verdict | None = None
    verb: TaskVerb | None = None
    handoff: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    detail: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)
    used: UsedApproval | None = None


class TaskTransaction:
    """The steps inside one unit. Save each task, call `finish` once, then remember the answer."""

    def __init__(self, unit: Unit, ports: Ports) -> None:
        self.unit = unit
        self.now: datetime = ports.clock.now()
        self.clock = ports.clock
        self.rules = ports.rules
        self.new_id = ports.new_id
        self._gates: dict[str, Gate] = {}
        self._changed: set[str] = set()
        self._relied_on: list[Evaluation] = []

    @property
    def monotonic(self) -> float:
        """Seconds of the runtime's monotonic clock, read now: a lock may have been waited for."""
        return self.clock.monotonic()

    # Events.

    async def record(
        self, before: Task | None, after: Task, fields: EventFields
    ) -> tuple[Task, Receipt]:
        """Write the event of a step and what it does to the history of bindings.

        Answers the task as it has to be saved, and the receipt. Obligations that used approvals
        meet are met in it; what the step met stands in the event's detail.
        """
        after = await self._with_used_approvals(after, fields.used)
        met = newly_met(before, after)
        version = after.version + 1
        receipt = await self.unit.audit(
            AuditDraft(
                type=fields.type,
                aggregate=after.aggregate,
                aggregate_version=version,
                last=after.ended,
                participant=fields.participant,
                task=after.task_id,
                handoff=fields.handoff,
                reason_code=fields.reason,
                previous_state=before.status.value if before is not None else "",
                new_state=after.status.value,
                verdict=fields.verdict,
                input_references=fields.inputs,
                output_references=fields.outputs,
                correlation_id=after.correlation_id,
                detail={**fields.detail, "obligations_met": met} if met else fields.detail,
            )
        )
        await self._record_ownership(before, after, fields.verb)
        event_id = receipt.audit_event_id
        recorded = task_transitions.recorded(after, version=version, event_id=event_id, at=self.now)
        return recorded, receipt

    async def _with_used_approvals(self, task: Task, now: UsedApproval | None) -> Task:
        """The task with what is met by approvals that were used for it before, or are ``now``."""
        if not awaits_approval(task):
            return task
        given = await self.unit.authorizations_of(task.task_id)
        before = [UsedApproval(one.action, one.approval_id) for one in given if one.approval_id]
        return met_by_approvals(task, [*before, now] if now is not None else before)

    async def save(
        self, before: Task | None, after: Task, fields: EventFields
    ) -> tuple[Task, Receipt]:
        """Record a step and save the task; answers both, as `record` does."""
        task, receipt = await self.record(before, after, fields)
        await self.unit.save_task(task)
        return task, receipt

    async def record_handoff(
        self,
        tasks: tuple[Task, Task],
        handoffs: tuple[Handoff | None, Handoff],
        fields: EventFields,
    ) -> tuple[Task, Handoff, Receipt]:
        """Write the event of a handoff's step and save the handoff; the task is to be saved.

        ``tasks`` and ``handoffs`` are each before and after; a new handoff has no before. The
        common fields carry the task's states, so the handoff's own go into the detail.
        """
        before, after = handoffs
        states: dict[str, Json] = {
            "previous": before.status.value if before is not None else "",
            "new": after.status.value,
        }
        detail = {**fields.detail, "handoff_state": states}
        fields = replace(fields, handoff=after.handoff_id, detail=detail)
        task, receipt = await self.record(*tasks, fields)
        handoff = handoff_transitions.recorded(after, event_id=receipt.audit_event_id, at=self.now)
        if before is None:
            await self.unit.add_handoff(handoff)
        else:
            await self.unit.save_handoff(handoff)
        return task, handoff, receipt

    async def _record_ownership(
        self, before: Task | None, after: Task, verb: TaskVerb | None
    ) -> None:
        """End the binding that the step has ended, and add the one that it has begun."""
        old = before.binding if before is not None else None
        new = after.binding
        if old == new:
            return
        if verb is None:
            raise ValueError(f"the event that changes the owner of {after.task_id} names no verb")
        if old is not None:
            await self.unit.end_binding(after.task_id, old.epoch, at=self.now, by=verb)
        if new is not None:
            await self.unit.add_binding(BindingRecord(after.task_id, new, gained_by=verb))

    def binding(self, task: Task, standing: Standing, decision: Verdict | str) -> Binding:
        """The next binding of the task, to ``standing``.

        ``decision`` is the verdict, or the id of one that was recorded before.
        """
        verdict = decision if isinstance(decision, Verdict) else None
        return Binding(
            assignment_id=self.new_id("assign"),
            participant_id=standing.participant_id,
            owner=standing.owner,
            epoch=task.next_epoch,
            generation=standing.generation,
            standing_revision=standing.standing_revision,
            decision_id=verdict.decision_id if verdict is not None else str(decision),
            explanation=verdict.explanation if verdict is not None else "",
            bound_at=self.now,
        )

    # Seats: gates are locked after every task of the unit, by id.

    async def lock_gates(self, participant_ids: Collection[str]) -> None:
        """Lock these gates. Call it once a unit, with all of them: the order is by id."""
        if self._gates:
            raise RuntimeError("the gates of a unit are locked once, all together")
        self._gates = await self.unit.lock_gates({name for name in participant_ids if name})

    def gate(self, participant_id: str) -> Gate:
        """A locked gate as it stands after what this unit did."""
        return self._gates[participant_id]

    def put_gate(self, gate: Gate) -> None:
        """Change a locked gate."""
        if gate != self._gates[gate.participant_id]:
            self._gates[gate.participant_id] = gate
            self._changed.add(gate.participant_id)

    async def admit(self, standing: Standing, task: Task) -> None:
        """Take a seat for ``task`` at ``standing``.

        Raises `StaleRead` or `CandidateLost`, and then no seat is taken.
        """
        who = standing.participant_id
        seated = admitted(self._gates[who], standing, degraded_allowed=task.spec.degraded_allowed)
        if other := (await kept_apart_from(self.unit, task, [who])).get(who):
            raise apart(other)
        self.put_gate(seated)

    def release(self, participant_id: str) -> None:
        """Give a seat back."""
        self.put_gate(self._gates[participant_id].released())

    def rely_on(self, evaluation: Evaluation) -> None:
        """Use what was asked before the unit; raises `StaleRead` where it is too old (I5)."""
        fresh(evaluation, monotonic=self.monotonic)
        self._relied_on.append(evaluation)

    async def finish(self) -> None:
        """Write the gates back.

        Raises `StaleRead` where what was relied on has become too old: the process may have hung.
        """
        for evaluation in self._relied_on:
            fresh(evaluation, monotonic=self.monotonic)
        await self.unit.save_gates([self._gates[name] for name in sorted(self._changed)])

    async def direct(
        self,
        action: DirectiveAction,
        participant_id: str,
        task: Task,
        *,
        epoch: int = 0,
        facts: dict[str, str] | None = None,
    ) -> None:
        """Send a directive about a task once this unit has committed."""
        starting = action is DirectiveAction.START_TASK
        await self.unit.direct(
            Directive(
                directive_id=self.new_id("directive"),
                action=action,
                participant_id=participant_id,
                task_id=task.task_id,
                epoch=epoch or task.epoch,
                deadline=task.start_due_at if starting else None,
                facts=facts or {},
                required_capabilities=task.spec.required_capabilities if starting else (),
            )
        )
