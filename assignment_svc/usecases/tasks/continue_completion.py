"""After a human has spoken about a result: the task succeeds with it, or goes on without."""

from dataclasses import dataclass, replace

from assignment_svc.domain.approval import Approval, ApprovalAnswer
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import StaleRead
from assignment_svc.domain.states import Actor, ApprovalState, ParkedAction
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.bind import unchanged
from assignment_svc.usecases.assignment.continue_assignment import REFUSALS, waits_for
from assignment_svc.usecases.steps.approval_requests import (
    Matter,
    ask_human,
    decided_about,
    remember_question,
)
from assignment_svc.usecases.steps.briefing import read_document
from assignment_svc.usecases.steps.ending import end, lock_for_end
from assignment_svc.usecases.steps.lose_owner import ENGINE
from assignment_svc.usecases.steps.migration import Start, begin_handoff
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import Act, Telling
from assignment_svc.usecases.tasks.completion import (
    Completion,
    complete_verdict,
    completion_matter,
    succeeded,
)
from assignment_svc.usecases.tasks.start_task import attempt_deadline
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect, Verdict


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a result does not end the task."""

    reason: ReasonCode
    why: str
    approval: Approval
    verdict: Verdict | None = None


class ContinueCompletion:
    """SUCCEEDED even if the assignee has died since; else back, or on to the next owner."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, approval: Approval) -> None:
        """Go on; nothing where the task waits for another answer by now."""
        for _ in range(self._ports.rules.looks):
            async with self._ports.units.reading(call) as unit:
                task = await unit.find_task(approval.task_id)
                if task is None or not waits_for(task, approval, ParkedAction.COMPLETE):
                    return
                result = await read_document(unit, approval.subject_hash)
            matter = completion_matter(task, result, approval.subject_hash)
            try:
                await self._once(call.about(task.correlation_id), task, approval, matter)
            except StaleRead:
                continue
            self._ports.wake_up.notify()
            return

    async def _once(self, call: Call, task: Task, approval: Approval, matter: Matter) -> None:
        if approval.state is not ApprovalState.APPROVED:
            reason = REFUSALS[approval.state]
            await self._refuse(call, task, Refusal(reason, approval.comment, approval))
            return
        known = await decided_about(self._ports, call, task.task_id, matter)
        verdict = await complete_verdict(self._ports, call, task, Completion(matter, known))
        if verdict.effect is Effect.ALLOW:
            await self._succeed(call, task, approval, verdict)
        elif verdict.effect is Effect.REQUIRE_APPROVAL:
            answer = await ask_human(self._ports, call, task, matter, (verdict, known))
            await self._ask_again(call, task, matter, (verdict, answer))
        else:
            why = verdict.explanation
            refusal = Refusal(ReasonCode.POLICY_DENIED, why, approval, verdict)
            await self._refuse(call, task, refusal)

    async def _succeed(self, call: Call, seen: Task, approval: Approval, verdict: Verdict) -> None:
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            family, handoffs = await lock_for_end(act, seen.task_id)
            unchanged(seen, family[0])
            owner = family[0].owner_id
            ending = succeeded(
                approval.subject_hash, verdict, told=owner, approval_id=approval.approval_id
            )
            await end(act, family, handoffs, ending)
            await _tell_owner(act, seen, owner, approval)
            await act.finish()

    async def _ask_again(
        self, call: Call, seen: Task, matter: Matter, asked: tuple[Verdict, ApprovalAnswer]
    ) -> None:
        """Policy wants another human: the task stays parked with a new question."""
        verdict, answer = asked
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            unchanged(seen, task)
            await remember_question(act, task, matter, answer)
            if answer.state is ApprovalState.PENDING and task.parked is not None:
                status = task_step(task.status, task.parked_for, "ask_again", Actor.ENGINE)
                parked = replace(task.parked, approval_id=answer.approval_id)
                told, _ = await act.tell(
                    task,
                    replace(task, status=status, parked=parked),
                    Telling(
                        AuditEventType.TASK_PARKED,
                        reason=ReasonCode.APPROVAL_REQUIRED,
                        participant=task.owner_id,
                        verdict=verdict,
                        outputs=(matter.subject_hash,),
                        detail={
                            "action": matter.action,
                            "subject_hash": matter.subject_hash,
                            "approval_id": answer.approval_id,
                        },
                    ),
                )
                await unit.save_task(told)
                return
        raise StaleRead

    async def _refuse(self, call: Call, seen: Task, refusal: Refusal) -> None:
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task = await unit.lock_task(seen.task_id)
            unchanged(seen, task)
            if task.binding is not None:
                await _back_to_work(act, task, refusal)
            else:
                await _without_owner(act, task, refusal)


async def _back_to_work(act: Act, task: Task, refusal: Refusal) -> None:
    """ACTIVE again under the same epoch; the assignee hears what the human said."""
    status = task_step(task.status, task.parked_for, "refused_result", Actor.ENGINE)
    back = replace(
        task,
        status=status,
        parked=None,
        reason=refusal.reason.value,
        attempt_due_at=attempt_deadline(act, task),
    )
    told, _ = await act.tell(task, back, _unparked(task, refusal))
    await act.unit.save_task(told)
    await _tell_owner(act, told, task.owner_id, refusal.approval)


async def _without_owner(act: Act, task: Task, refusal: Refusal) -> None:
    """MIGRATING: its last owner is gone, somebody else has to do it better."""
    status = task_step(task.status, task.parked_for, "refused_without_owner", Actor.ENGINE)
    history = await act.unit.bindings_of(task.task_id)
    moved = replace(task, status=status, parked=None, reason=refusal.reason.value)
    told, _ = await act.tell(task, moved, _unparked(task, refusal))
    start = Start(refusal.reason, ENGINE, gone=True, why="its result was refused")
    told, _, _ = await begin_handoff(act, told, history[-1].binding, start)
    await act.unit.save_task(told)


def _unparked(task: Task, refusal: Refusal) -> Telling:
    approval = refusal.approval
    return Telling(
        AuditEventType.TASK_UNPARKED,
        reason=refusal.reason,
        participant=task.owner_id,
        verdict=refusal.verdict,
        outputs=(approval.subject_hash,),
        detail={
            "action": approval.action,
            "subject_hash": approval.subject_hash,
            "approval_id": approval.approval_id,
            "decided_by": approval.decided_by,
            "why": refusal.why,
        },
    )


async def _tell_owner(act: Act, task: Task, owner: str, approval: Approval) -> None:
    if owner:
        facts = decision_facts(approval)
        await act.direct(
            DirectiveAction.APPROVAL_DECIDED, owner, task, epoch=task.epoch, facts=facts
        )


def decision_facts(approval: Approval) -> dict[str, str]:
    """What an assignee is told of a human's decision."""
    return {
        "approval_id": approval.approval_id,
        "action": approval.action,
        "outcome": approval.state.value,
        "subject_hash": approval.subject_hash,
        "comment": approval.comment[:500],
    }
