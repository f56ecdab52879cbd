"""Asks policy whether an action may be done, and a human where policy says so (section 10)."""

from dataclasses import dataclass

from assignment_svc.domain.actions.effect import Effect, effect_document
from assignment_svc.domain.approval import (
    Approval,
    ApprovalSubject,
    Authorization,
    newest_yes,
)
from assignment_svc.domain.obligations import UsedApproval
from assignment_svc.domain.predicates import StaleRead, fenced
from assignment_svc.domain.states import ApprovalState, EffectStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import action_authorized
from assignment_svc.usecases.actions.action import Action
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
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.errors import ApprovalRequired, PolicyDenied
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.policy_inputs.bounded import content_input
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Obligation, Verdict
from phoenix_runtime.core.verdict import Effect as PolicyEffect


@dataclass(frozen=True, slots=True)
class Question:
    """What policy is asked: an action, the content that a yes is bound to, the effect so far."""

    action: Action
    subject: ApprovalSubject
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """A question that policy allowed, with what humans decided about exactly its content."""

    question: Question
    known: list[Approval]
    verdict: Verdict

    @property
    def approval_id(self) -> str:
        """The human's yes that counts; empty where none was needed."""
        return newest_yes(self.known)

    @property
    def reason(self) -> ReasonCode:
        """Why it may be done."""
        return ReasonCode.APPROVAL_GRANTED if self.approval_id else ReasonCode.NONE

    @property
    def used(self) -> UsedApproval | None:
        """The yes that is used, which may meet an obligation."""
        approval_id = self.approval_id
        return UsedApproval(self.question.subject.action, approval_id) if approval_id else None


class AskPermission:
    """Asks `data.operate` about what the owner of a task wants to do."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, task: Task, question: Question) -> Permission:
        """Ask; the verdict allows.

        Raises `ApprovalRequired`, `PolicyDenied`, both recorded, and `StaleRead` where a human has
        spoken meanwhile.
        """
        known = await current_approvals(self._ports, call, task.task_id, question.subject)
        verdict = await self._evaluate(call, task, question, known)
        if verdict.effect is PolicyEffect.REQUIRE_APPROVAL:
            await self._ask(call, task, question.subject, (verdict, known))
        if verdict.effect is not PolicyEffect.ALLOW:
            await self._deny(call, task, question, verdict)
            denied = PolicyDenied(verdict)
            denied.facts.update({**refusal_facts(known), **_effect_facts(question.effect)})
            raise denied
        return Permission(question, known, verdict)

    async def _evaluate(
        self, call: Call, task: Task, question: Question, known: list[Approval]
    ) -> Verdict:
        action, subject = question.action, question.subject
        assignee = task.owner_id
        standings = await self._ports.registry.standings(call, [assignee])
        document: dict[str, Json] = {"id": assignee}
        if assignee in standings:
            document = standing_document(standings[assignee])
        # The whole content at each question, so at the use of a human's yes, too.
        shown, hidden = content_input(subject.content, "subject")
        asked: dict[str, Json] = {
            "task": policy_task(task),
            "assignee": document,
            "kind": action.kind.value,
            "name": action.name,
            "domain": action.domain,
            "subject": shown,
            **hidden,
            "subject_hash": subject.hash,
            "approvals": approval_documents(known),
            "effect": effect_document(question.effect),
        }
        (verdict,) = await self._ports.policy.evaluate(call, DecisionPoint.OPERATE, [asked])
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

    async def _deny(self, call: Call, read: Task, question: Question, verdict: Verdict) -> None:
        """ACTION_DENIED, where it is the first denial of this content or differs from the last."""
        action, subject = question.action, question.subject
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(read.task_id)
            point = f"{verdict.point.value}/{action.kind.value}/{action.name}/{subject.hash}"
            new = await unit.denial_changed(
                task.task_id, read.owner_id, point=point, reasons_hash=reasons_hash(verdict)
            )
            if task.ended or not new:
                return
            fields = EventFields(
                AuditEventType.ACTION_DENIED,
                reason=_denied_for(question),
                participant=read.owner_id,
                verdict=verdict,
                inputs=(subject.hash,),
                detail=denial_detail(verdict, **action_detail(action, subject)),
            )
            await transaction.save(task, task, fields)


def _denied_for(question: Question) -> ReasonCode:
    """Why it was denied: not to repeat what an owner left unknown speaks against nobody."""
    effect = question.effect
    unknown = effect is not None and effect.status is EffectStatus.UNKNOWN
    return ReasonCode.OUTCOME_UNKNOWN if unknown else ReasonCode.POLICY_DENIED


def _effect_facts(effect: Effect | None) -> dict[str, str]:
    """What somebody has to know who may not begin an effect that was begun before."""
    if effect is None:
        return {}
    return {
        "authorization_id": effect.authorization_id,
        "effect_status": effect.status.value,
        "begun_by": effect.participant_id,
    }


def action_detail(action: Action, subject: ApprovalSubject) -> dict[str, Json]:
    """An action as the detail of an event names it."""
    return {
        "kind": action.kind.value,
        "name": action.name,
        "domain": action.domain,
        "subject_hash": subject.hash,
    }


@dataclass(frozen=True, slots=True)
class Authorized:
    """The permission to act; its id is the same for the same task, action and subject."""

    authorization: Authorization
    verdict: Verdict
    obligations: tuple[Obligation, ...]
    receipt: Receipt


async def authorized(
    transaction: TaskTransaction, task: Task, permission: Permission, before: Authorization | None
) -> tuple[Task, Authorized]:
    """Write the authorization of an allowed question on the locked task.

    ``before`` is that of the same content, read under the lock; it stays where it says all. Answers
    the task as it is saved by then. A yes is one row for (task, action, subject), however often it
    is asked for.
    """
    unit, action = transaction.unit, permission.question.action
    verdict = permission.verdict
    for approval in permission.known:
        await unit.save_approval(approval)
    if before is not None and _says_all(before, task.epoch, action):
        receipt = Receipt(before.event_id, task.correlation_id, before.event_version)
        return task, Authorized(before, verdict, verdict.obligations, receipt)
    given = _authorization(transaction, task, permission, before)
    saved, receipt = await transaction.save(
        task, action_authorized(task, verdict), _fields(given, permission, again=before is not None)
    )
    kept = given.recorded(event_id=receipt.audit_event_id, version=receipt.aggregate_version)
    await unit.save_authorization(kept)
    return saved, Authorized(kept, verdict, verdict.obligations, receipt)


def _says_all(before: Authorization, epoch: int, action: Action) -> bool:
    """Whether the last event about this authorization names this owner, kind and domain.

    The authorization is one for the content, whatever it is done as; the audit names each.
    """
    return (before.epoch, before.kind, before.domain) == (epoch, action.kind, action.domain)


def _authorization(
    transaction: TaskTransaction, task: Task, permission: Permission, before: Authorization | None
) -> Authorization:
    action, subject = permission.question.action, permission.question.subject
    return Authorization(
        authorization_id=before.authorization_id if before else transaction.new_id("authorization"),
        task_id=task.task_id,
        action=subject.action,
        subject_hash=subject.hash,
        kind=action.kind,
        domain=action.domain,
        approval_id=permission.approval_id,
        decision_id=permission.verdict.decision_id,
        participant_id=task.owner_id,
        epoch=action.epoch,
        authorized_at=transaction.now,
    )


def _fields(given: Authorization, permission: Permission, *, again: bool) -> EventFields:
    return EventFields(
        AuditEventType.ACTION_AUTHORIZED,
        reason=permission.reason,
        participant=given.participant_id,
        verdict=permission.verdict,
        inputs=(given.subject_hash,),
        detail={
            **action_detail(permission.question.action, permission.question.subject),
            "authorization_id": given.authorization_id,
            "approval_id": given.approval_id,
            "epoch": given.epoch,
            "given_before": again,
        },
        used=permission.used,
    )
