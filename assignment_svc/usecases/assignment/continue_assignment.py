"""After a human has spoken about an assignment: bind the target, or look for another."""

from dataclasses import replace

from assignment_svc.domain.approval import Approval
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import CandidateLost, StaleRead
from assignment_svc.domain.states import Actor, ApprovalState, ParkedAction
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.alternatives import passed_over
from assignment_svc.usecases.assignment.bind import BindRequest, BindTask, unchanged
from assignment_svc.usecases.assignment.candidates import CandidateSearch
from assignment_svc.usecases.assignment.park import ParkAssignment, ParkRequest
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from assignment_svc.usecases.steps.unpark import unpark
from phoenix_runtime.core.errors import PolicyDenied
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect

REFUSAL_REASONS = {
    ApprovalState.REJECTED: ReasonCode.APPROVAL_REFUSED,
    ApprovalState.EXPIRED: ReasonCode.APPROVAL_EXPIRED,
    ApprovalState.CANCELLED: ReasonCode.SUBJECT_GONE,
}


class ContinueAssignment:
    """Uses a yes by asking policy once more with it; a no leads back to PENDING."""

    def __init__(
        self, ports: Ports, search: CandidateSearch, bind: BindTask, park: ParkAssignment
    ) -> None:
        self._ports = ports
        self._search = search
        self._bind = bind
        self._park = park

    async def __call__(self, call: Call, approval: Approval) -> None:
        """Go on; nothing where the task waits for another answer by now."""
        for _ in range(self._ports.rules.rounds):
            async with self._ports.units.reading(call) as unit:
                task = await unit.find_task(approval.task_id)
            if task is None or not waits_for(task, approval, ParkedAction.ASSIGN):
                return
            try:
                await self._once(call.about(task.correlation_id), task, approval)
            except StaleRead:
                continue
            self._ports.due_work.notify()
            return

    async def _once(self, call: Call, task: Task, approval: Approval) -> None:
        if approval.state is not ApprovalState.APPROVED:
            reason = REFUSAL_REASONS[approval.state]
            await self._refuse(call, task, reason, approval.comment or reason.value)
            return
        try:
            await self._use(call, task)
        except CandidateLost as loss:
            await self._unpark(call, task, loss.because)
        except PolicyDenied as denial:
            await self._refuse(call, task, ReasonCode.POLICY_DENIED, denial.verdict.explanation)

    async def _use(self, call: Call, task: Task) -> None:
        """Everything is judged anew: days may have passed since the question was asked."""
        result = await self._search.find(call, task)
        target = task.parked.target if task.parked else ""
        chosen = next((r for r in result.ranked if r.candidate.participant_id == target), None)
        if chosen is None:
            because = next(
                (one.because for one in result.lost if one.participant_id == target),
                "it is not to be found any more",
            )
            raise CandidateLost("active", because)
        evaluation, subject = await self._search.evaluate(call, result, chosen)
        bind = BindRequest(task, evaluation, (*result.lost, *passed_over(result.ranked, chosen)))
        if evaluation.verdict.effect is Effect.REQUIRE_APPROVAL:
            await self._park(call, ParkRequest(bind, subject))
        elif evaluation.verdict.effect is Effect.ALLOW:
            await self._bind(call, bind)
        else:
            raise PolicyDenied(evaluation.verdict)

    async def _unpark(self, call: Call, seen: Task, why: str) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            unchanged(seen, task)
            await unpark(transaction, task, ReasonCode.GATE_CLOSED, why)

    async def _refuse(self, call: Call, seen: Task, reason: ReasonCode, why: str) -> None:
        """PENDING; policy remembers the no, so the same subject is not proposed again."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            unchanged(seen, task)
            parked = task.parked
            if parked is None:
                raise StaleRead
            status = task_step(task.status, task.parked_for, "refused_assignment", Actor.ENGINE)
            back = replace(
                task, status=status, parked=None, reason=reason.value, next_try_at=transaction.now
            )
            detail = {
                "action": parked.action.value,
                "subject_hash": parked.subject_hash,
                "approval_id": parked.approval_id,
                "target": parked.target,
                "why": why,
            }
            fields = EventFields(
                AuditEventType.TASK_UNPARKED,
                reason=reason,
                participant=parked.target,
                inputs=(parked.subject_hash,),
                detail=detail,
            )
            saved, _ = await transaction.record(task, back, fields)
            await unit.save_task(saved)


def waits_for(task: Task, approval: Approval, action: ParkedAction) -> bool:
    """Whether the task is parked with exactly this question."""
    parked = task.parked
    return (
        parked is not None
        and parked.action is action
        and parked.approval_id == approval.approval_id
    )
