"""Follows one question: cancels it, or reads its answer and goes on with what has waited."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from assignment_svc.domain.approval import ASSIGN, COMPLETE, HANDOFF, Approval
from assignment_svc.domain.states import TaskStatus
from assignment_svc.usecases.steps.approval_requests import read_again
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.tasks.continue_completion import decision_facts
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call

Continue = Callable[[Call, Approval], Awaitable[None]]
"""Goes on with what has waited for an approval; nothing where it waits no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuations:
    """What goes on once a human has decided, by what the approval is about."""

    assignment: Continue
    completion: Continue
    handoff: Continue


class FollowApproval:
    """Reads decisions and acts on them; every step can be repeated after a crash."""

    def __init__(self, ports: Ports, continuations: Continuations) -> None:
        self._ports = ports
        self._continue = continuations

    async def __call__(self, call: Call, approval_id: str) -> None:
        """Follow one approval. Raises `Unavailable` and `PolicyEngineUnavailable`."""
        async with self._ports.units.reading(call) as unit:
            approval = await unit.find_approval(approval_id)
        if approval is None or approval.next_poll_at is None:
            return
        if approval.cancel_wanted and not approval.decided:
            await self._withdraw(call, approval)
            return
        now = await self._read(call, approval)
        if now.decided:
            # The timer stays until what waited has gone on: after a crash only that is repeated.
            await self._keep(call, now, again=True)
            await self._go_on(call, now)
        await self._keep(call, now, again=not now.decided)

    async def _withdraw(self, call: Call, approval: Approval) -> None:
        reason = "its subject is gone"
        await self._ports.approvals.cancel(call, approval.approval_id, reason)
        answer = await self._ports.approvals.read(call, approval.approval_id)
        await self._keep(call, approval.answered(answer), again=False)

    async def _read(self, call: Call, approval: Approval) -> Approval:
        try:
            return await read_again(self._ports, call, approval)
        except NotFound:
            # Governance does not know the question: nobody can ever answer it.
            return approval.unanswerable()

    async def _keep(self, call: Call, approval: Approval, *, again: bool) -> None:
        """Write the answer; a withdrawal that was wanted meanwhile is not forgotten."""
        now, back_off = self._ports.clock.now(), self._ports.rules.approval_poll
        poll_at = back_off.after(now, approval.polls + 1) if again else None
        async with self._ports.units(call) as unit:
            await unit.lock_task(approval.task_id)
            known = await unit.find_approval(approval.approval_id)
            kept = approval.polled(poll_at)
            if known is not None and known.cancel_wanted and not approval.decided:
                kept = kept.withdrawn(now)
            await unit.save_approval(kept)

    async def _go_on(self, call: Call, approval: Approval) -> None:
        if approval.action == ASSIGN and approval.target and not approval.handoff_id:
            await self._continue.assignment(call, approval)
        elif approval.action == HANDOFF and approval.handoff_id:
            await self._continue.handoff(call, approval)
        elif approval.action == COMPLETE and not approval.target:
            await self._continue.completion(call, approval)
        else:
            await self._notify_assignee(call, approval)

    async def _notify_assignee(self, call: Call, approval: Approval) -> None:
        """Send the decision about an action to the task's present owner, which goes on itself."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(approval.task_id)
            if task.binding is not None and task.status is TaskStatus.ACTIVE:
                facts = decision_facts(approval)
                await transaction.direct(
                    DirectiveAction.APPROVAL_DECIDED, task.owner_id, task, facts=facts
                )
