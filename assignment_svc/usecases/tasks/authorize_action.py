"""Authorizes an action before a tool call, a read, a mutation or a final action (section 10).

The only verb that answers APPROVAL_REQUIRED: the agent itself waits for the human.
"""

from dataclasses import dataclass, replace

from assignment_svc.domain.approval import (
    Approval,
    ApprovalSubject,
    Authorization,
    newest_yes,
)
from assignment_svc.domain.obligations import UsedApproval
from assignment_svc.domain.predicates import StaleRead, fenced, requires_active
from assignment_svc.domain.states import ApprovalState
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import action_authorized
from assignment_svc.usecases.steps.approval_requests import (
    ask_human,
    current_approvals,
    remember_question,
)
from assignment_svc.usecases.steps.denials import reasons_hash, refusal_facts
from assignment_svc.usecases.steps.documents import (
    approval_documents,
    denial_detail,
    policy_task,
    standing_document,
)
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.rounds import in_rounds
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from assignment_svc.usecases.tasks.action import Action, subject_of
from phoenix_runtime.core.errors import (
    ApprovalRequired,
    PolicyDenied,
)
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.policy_inputs.bounded import content_input
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Obligation, Verdict


@dataclass(frozen=True, slots=True)
class Authorized:
    """The permission to act; its id is the same for the same task, action and subject."""

    authorization: Authorization
    verdict: Verdict
    obligations: tuple[Obligation, ...]
    receipt: Receipt


class AuthorizeAction:
    """Asks `data.operate`; a yes is one row for (task, action, subject), however often asked."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, action: Action) -> Authorized:
        """Authorize.

        Raises `ApprovalRequired`, `PolicyDenied`, `StaleAssignment`, `NotFound`, `FieldInvalid`,
        `IllegalTransition` (only an ACTIVE task acts), `TooLarge`, `PolicyEngineUnavailable`.
        """
        participant = acting_participant(call)
        action = replace(action, name=action.name.lower())
        subject = subject_of(action, participant)
        async with refusals_audited(self._ports, call, "AuthorizeAction"):
            return await in_rounds(
                self._ports.rules.rounds, lambda: self._try(call, action, subject)
            )

    async def _try(self, call: Call, action: Action, subject: ApprovalSubject) -> Authorized:
        ports = self._ports
        async with ports.units.reading(call) as unit:
            task = await existing_task(unit, action.task_id)
        fenced(task, participant_id=call.principal.participant, epoch=action.epoch)
        requires_active(task, "authorize_action")
        call = call.about(task.correlation_id)
        known = await current_approvals(ports, call, task.task_id, subject)
        verdict = await self._evaluate(call, task, action, (subject, known))
        if verdict.effect is Effect.REQUIRE_APPROVAL:
            await self._ask(call, task, subject, (verdict, known))
        if verdict.effect is not Effect.ALLOW:
            await self._deny(call, task, (action, subject), verdict)
            denied = PolicyDenied(verdict)
            denied.facts.update(refusal_facts(known))
            raise denied
        return await self._authorize(call, (action, subject), known, verdict)

    async def _evaluate(
        self, call: Call, task: Task, action: Action, asked: tuple[ApprovalSubject, list[Approval]]
    ) -> Verdict:
        subject, known = asked
        assignee = task.owner_id
        standings = await self._ports.registry.standings(call, [assignee])
        document: dict[str, Json] = {"id": assignee}
        if assignee in standings:
            document = standing_document(standings[assignee])
        # The whole content at each question, so at the use of a human's yes, too.
        shown, hidden = content_input(subject.content, "subject")
        question: dict[str, Json] = {
            "task": policy_task(task),
            "assignee": document,
            "kind": action.kind.value,
            "name": action.name,
            "domain": action.domain,
            "subject": shown,
            **hidden,
            "subject_hash": subject.hash,
            "approvals": approval_documents(known),
        }
        (verdict,) = await self._ports.policy.evaluate(call, DecisionPoint.OPERATE, [question])
        return verdict

    async def _ask(
        self,
        call: Call,
        task: Task,
        subject: ApprovalSubject,
        asked: tuple[Verdict, list[Approval]],
    ) -> None:
        """Ask a human; raises `ApprovalRequired`, or `StaleRead` where one has spoken."""
        answer = await ask_human(self._ports, call, task, subject, asked)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            locked = await unit.lock_task(task.task_id)
            fenced(locked, participant_id=task.owner_id, epoch=task.epoch)
            await remember_question(transaction, locked, subject, answer)
        if answer.state is ApprovalState.PENDING:
            raise ApprovalRequired(answer.approval_id, subject.hash)
        raise StaleRead

    async def _authorize(
        self,
        call: Call,
        asked: tuple[Action, ApprovalSubject],
        known: list[Approval],
        verdict: Verdict,
    ) -> Authorized:
        action, subject = asked
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(action.task_id)
            binding = fenced(task, participant_id=call.principal.participant, epoch=action.epoch)
            requires_active(task, "authorize_action")
            for approval in known:
                await unit.save_approval(approval)
            before = await unit.find_authorization(task.task_id, subject.action, subject.hash)
            if before is not None and _says_all(before, binding.epoch, action):
                receipt = Receipt(before.event_id, task.correlation_id, before.event_version)
                result = Authorized(before, verdict, verdict.obligations, receipt)
            else:
                given = _authorization(
                    transaction, task, (action, subject), (before, newest_yes(known), verdict)
                )
                result = await _write(transaction, task, given, (verdict, before is not None))
            await unit.remember(result)
        return result

    async def _deny(
        self, call: Call, read: Task, asked: tuple[Action, ApprovalSubject], verdict: Verdict
    ) -> None:
        """ACTION_DENIED, where it is the first denial of this content or differs from the last."""
        action, subject = asked
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(read.task_id)
            point = f"{verdict.point.value}/{action.kind.value}/{action.name}/{subject.hash}"
            new = await unit.denial_changed(
                task.task_id, read.owner_id, point=point, reasons_hash=reasons_hash(verdict)
            )
            if task.ended or not new:
                return
            detail = denial_detail(verdict, **_action_detail(action, subject))
            fields = EventFields(
                AuditEventType.ACTION_DENIED,
                reason=ReasonCode.POLICY_DENIED,
                participant=read.owner_id,
                verdict=verdict,
                inputs=(subject.hash,),
                detail=detail,
            )
            await transaction.save(task, task, fields)


def _says_all(before: Authorization, epoch: int, action: Action) -> bool:
    """Whether the last event about this authorization names this owner, kind and domain.

    The authorization is one for the content, whatever it is done as; the audit names each.
    """
    return (before.epoch, before.kind, before.domain) == (epoch, action.kind, action.domain)


def _authorization(
    transaction: TaskTransaction,
    task: Task,
    asked: tuple[Action, ApprovalSubject],
    grounds: tuple[Authorization | None, str, Verdict],
) -> Authorization:
    action, subject = asked
    before, approval_id, verdict = grounds
    return Authorization(
        authorization_id=before.authorization_id if before else transaction.new_id("authorization"),
        task_id=task.task_id,
        action=subject.action,
        subject_hash=subject.hash,
        kind=action.kind,
        domain=action.domain,
        approval_id=approval_id,
        decision_id=verdict.decision_id,
        participant_id=task.owner_id,
        epoch=action.epoch,
        authorized_at=transaction.now,
    )


async def _write(
    transaction: TaskTransaction, task: Task, given: Authorization, evaluation: tuple[Verdict, bool]
) -> Authorized:
    verdict, again = evaluation
    saved, receipt = await transaction.record(
        task,
        action_authorized(task, verdict),
        EventFields(
            AuditEventType.ACTION_AUTHORIZED,
            reason=ReasonCode.APPROVAL_GRANTED if given.approval_id else ReasonCode.NONE,
            participant=given.participant_id,
            verdict=verdict,
            inputs=(given.subject_hash,),
            detail={
                "kind": given.kind.value,
                "name": given.action,
                "domain": given.domain,
                "subject_hash": given.subject_hash,
                "authorization_id": given.authorization_id,
                "approval_id": given.approval_id,
                "epoch": given.epoch,
                "given_before": again,
            },
            used=UsedApproval(given.action, given.approval_id) if given.approval_id else None,
        ),
    )
    kept = given.recorded(event_id=receipt.audit_event_id, version=receipt.aggregate_version)
    await transaction.unit.save_authorization(kept)
    await transaction.unit.save_task(saved)
    return Authorized(kept, verdict, verdict.obligations, receipt)


def _action_detail(action: Action, subject: ApprovalSubject) -> dict[str, Json]:
    return {
        "kind": action.kind.value,
        "name": action.name,
        "domain": action.domain,
        "subject_hash": subject.hash,
    }
