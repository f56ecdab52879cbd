"""What happens inside one unit: seats, epochs, directives, and the event of every step.

*Ask outside, act inside*: a `TaskTransaction` never waits for a peer. It keeps the gates that the
unit has locked, so that two tasks of one commit see each other's seats, and writes them back at
its end.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.predicates import admitted, fresh
from assignment_svc.domain.states import HandoffStatus
from assignment_svc.domain.task import Binding, BindingRecord, Task
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.json import EMPTY_OBJECT, Json, JsonObject
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class EventFields:
    """One event about a task or its handoff, without what every event has.

    ``handoff_states`` are the handoff's status before (None: new) and after, where it is one's
    event: the common fields always carry the task's states.
    """

    type: AuditEventType
    reason: ReasonCode = ReasonCode.NONE
    participant: str = ""
    handoff: str = ""
    handoff_states: tuple[HandoffStatus | None, HandoffStatus] | None = None
    verdict: Verdict | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    detail: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)


class TaskTransaction:
    """The inside of one unit. Save each task yourself, call `finish` once, then remember."""

    def __init__(self, unit: Unit, ports: Ports) -> None:
        self.unit = unit
        self.now: datetime = ports.clock.now()
        self.clock = ports.clock
        self.rules = ports.rules
        self.new_id = ports.new_id
        self._gates: dict[str, Gate] = {}
        self._changed: set[str] = set()
        self._relied: list[Evaluation] = []

    @property
    def monotonic(self) -> float:
        """Seconds of the runtime's monotonic clock, read now: a lock may have been waited for."""
        return self.clock.monotonic()

    async def record(
        self, before: Task | None, after: Task, fields: EventFields
    ) -> tuple[Task, Receipt]:
        """Write the event of one step; answers the task as it has to be saved, and the proof."""
        version = after.version + 1
        receipt = await self.unit.audit(
            AuditDraft(
                type=fields.type,
                aggregate=after.aggregate,
                aggregate_version=version,
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
                detail=_detail(fields),
            )
        )
        saved = replace(
            after, version=version, last_event_id=receipt.audit_event_id, updated_at=self.now
        )
        return saved, receipt

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

    def admit(self, standing: Standing, *, degraded_allowed: bool) -> None:
        """Take a seat for ``standing``; raises `StaleRead` or `CandidateLost`."""
        gate = self._gates[standing.participant_id]
        self.put_gate(admitted(gate, standing, degraded_allowed=degraded_allowed))

    def release(self, participant_id: str) -> None:
        """Give a seat back."""
        self.put_gate(self._gates[participant_id].released())

    def rely(self, evaluation: Evaluation) -> None:
        """Rest on what was asked before the unit; raises `StaleRead` where that is too old (I5)."""
        fresh(evaluation, monotonic=self.monotonic)
        self._relied.append(evaluation)

    async def finish(self) -> None:
        """Write the gates back.

        Raises `StaleRead` where what was relied on has become too old: the process may have hung.
        """
        for evaluation in self._relied:
            fresh(evaluation, monotonic=self.monotonic)
        await self.unit.save_gates([self._gates[name] for name in sorted(self._changed)])

    # Epochs: every gain and every loss of ownership burns one.

    async def gain(
        self, task: Task, standing: Standing, *, decision: Verdict | str, by: str
    ) -> Task:
        """The task bound to ``standing`` under a new epoch; the seat is taken already.

        ``decision`` is the verdict, or the id of one that was recorded before.
        """
        because = decision.explanation if isinstance(decision, Verdict) else ""
        binding = Binding(
            assignment_id=self.new_id("assign"),
            participant_id=standing.participant_id,
            owner=standing.owner,
            epoch=task.epoch + 1,
            generation=standing.generation,
            standing_revision=standing.standing_revision,
            decision_id=decision.decision_id if isinstance(decision, Verdict) else decision,
            explanation=because,
            bound_at=self.now,
        )
        await self.unit.add_binding(BindingRecord(task.task_id, binding, gained_by=by))
        return replace(
            task,
            binding=binding,
            epoch=binding.epoch,
            tries=0,
            failure_hash="",
            next_try_at=None,
            resume_due_at=None,
        )

    async def lose(self, task: Task, *, by: str) -> Task:
        """The task without owner, its epoch burnt; the seat is not touched."""
        if task.binding is None:
            return task
        epoch = task.binding.epoch
        await self.unit.end_binding(task.task_id, epoch, at=self.now, by=by)
        return replace(
            task,
            binding=None,
            epoch=task.epoch + 1,
            start_due_at=None,
            attempt_due_at=None,
            resume_due_at=None,
        )

    async def direct(
        self,
        action: DirectiveAction,
        participant_id: str,
        task: Task,
        *,
        epoch: int = 0,
        facts: dict[str, str] | None = None,
    ) -> None:
        """Order something about a task once this unit has committed."""
        await self.unit.direct(
            Directive(
                directive_id=self.new_id("directive"),
                action=action,
                participant_id=participant_id,
                task_id=task.task_id,
                epoch=epoch or task.epoch,
                deadline=task.start_due_at if action is DirectiveAction.START_TASK else None,
                facts=facts or {},
            )
        )


def _detail(fields: EventFields) -> JsonObject:
    """The detail with the handoff's own states in it."""
    if fields.handoff_states is None:
        return fields.detail
    previous, new = fields.handoff_states
    states: dict[str, Json] = {
        "previous": previous.value if previous is not None else "",
        "new": new.value,
    }
    return {**fields.detail, "handoff_state": states}
