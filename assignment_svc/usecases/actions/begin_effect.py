"""Begins an effect outside the runtime, with leave: once, or again where policy says so (I17)."""

from dataclasses import dataclass, replace

from assignment_svc.domain.actions.effect import Effect, begun, repetition_subject
from assignment_svc.domain.approval import ApprovalSubject, Authorization
from assignment_svc.domain.declaration import Document
from assignment_svc.domain.lifecycle import EFFECT, EffectVerb
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.predicates import StaleRead, fenced, requires_active
from assignment_svc.domain.states import Actor, EffectStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import action_authorized
from assignment_svc.usecases.actions.action import Action, subject_of
from assignment_svc.usecases.actions.permission import (
    AskPermission,
    Permission,
    Question,
    action_detail,
    authorized,
)
from assignment_svc.usecases.steps.briefing import read_document
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.rounds import in_rounds
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditEventType
from phoenix_runtime.core.json import JsonObject, canonical
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import Verdict

VERB = "begin_effect"


@dataclass(frozen=True, slots=True)
class BegunEffect:
    """An effect that begins; one that was done before, or has to be looked after, has no verdict.

    ``outcome`` is there where it was done.
    """

    effect: Effect
    receipt: Receipt
    verdict: Verdict | None = None
    outcome: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the caller wants to begin, and what was read of it."""

    action: Action
    subject: ApprovalSubject
    idempotent: bool
    can_look: bool = False
    before: Effect | None = None

    def is_answered_by(self, before: Effect) -> bool:
        """Whether nothing begins: it was done, or its caller will look whether it was."""
        if before.status is EffectStatus.UNKNOWN:
            return self.can_look
        return before.status is EffectStatus.DONE

    @property
    def repeated(self) -> Effect | None:
        """The effect whose repetition is another content than its own; None where it is not."""
        before = self.before
        if before is None or before.idempotent or before.status is not EffectStatus.UNKNOWN:
            return None
        return before

    @property
    def question(self) -> Question:
        """What policy is asked."""
        repeated = self.repeated
        asked = repetition_subject(repeated, self.subject) if repeated else self.subject
        return Question(self.action, asked, self.before)


class BeginEffect:
    """Asks `data.operate` and writes that the effect begins; what is done is answered as it is."""

    def __init__(self, ports: Ports, ask: AskPermission) -> None:
        self._ports = ports
        self._ask = ask

    async def __call__(
        self, call: Call, action: Action, *, idempotent: bool, can_look: bool = False
    ) -> BegunEffect:
        """Begin. Who can look is answered an unknown effect as it is, and nobody is asked.

        Raises what `AuthorizeAction` raises, `IllegalTransition` where the effect is begun already
        under the caller's epoch, and `FieldInvalid` where it was begun as another kind of action.
        """
        participant = acting_participant(call)
        action = replace(action, name=action.name.lower())
        wanted = _Wanted(action, subject_of(action, participant), idempotent, can_look)
        async with refusals_audited(self._ports, call, "BeginEffect"):
            return await in_rounds(self._ports.rules.rounds, lambda: self._try(call, wanted))

    async def _try(self, call: Call, wanted: _Wanted) -> BegunEffect:
        action = wanted.action
        async with self._ports.units.reading(call) as unit:
            task = await existing_task(unit, action.task_id)
            fenced(task, participant_id=call.principal.participant, epoch=action.epoch)
            requires_active(task, VERB)
            _, before = await _known(unit, task, wanted.subject)
            if before is not None and wanted.is_answered_by(before):
                return await _as_it_is(unit, task, before)
        if before is not None:
            _may_begin(before, action)
        wanted = replace(wanted, before=before)
        call = call.about(task.correlation_id)
        permission = await self._ask(call, task, wanted.question)
        return await self._begin(call, wanted, permission)

    async def _begin(self, call: Call, wanted: _Wanted, permission: Permission) -> BegunEffect:
        action = wanted.action
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(action.task_id)
            fenced(task, participant_id=call.principal.participant, epoch=action.epoch)
            requires_active(task, VERB)
            given, before = await _known(unit, task, wanted.subject)
            if before != wanted.before:
                raise StaleRead
            if wanted.repeated and given is not None:
                given = await _given_again(transaction, task, given, permission)
            else:
                task, answer = await authorized(transaction, task, permission, given)
                given = answer.authorization
            effect = begun(before, given, idempotent=wanted.idempotent, at=transaction.now)
            if before is None:
                subject = wanted.subject
                await unit.add_content(Document(subject.hash, canonical(subject.content)))
            result = await _write(transaction, task, effect, permission)
            await unit.remember(result)
        return result


def _may_begin(before: Effect, action: Action) -> None:
    """Raise where policy need not be asked.

    `IllegalTransition` where it is begun already, `FieldInvalid` where it was begun as another kind
    of action: what only reads may be repeated, and a repetition must not pass for that.
    """
    if before.status is EffectStatus.BEGUN:
        EFFECT.apply(before.status, EffectVerb.BEGIN, Actor.ASSIGNEE)
    if before.kind is not action.kind:
        text = f"is {before.kind.value}, as which this effect was begun first"
        raise FieldInvalid([Violation("kind", text)])


async def _known(
    unit: Unit, task: Task, subject: ApprovalSubject
) -> tuple[Authorization | None, Effect | None]:
    """The authorization of a content, and its effect as it is by now; None where there is none."""
    given = await unit.find_authorization(task.task_id, subject.action, subject.hash)
    found = await unit.find_effect(given.authorization_id) if given is not None else None
    return given, found.seen_with(task) if found is not None else None


async def _as_it_is(unit: Unit, task: Task, effect: Effect) -> BegunEffect:
    done = effect.status is EffectStatus.DONE
    outcome = await read_document(unit, effect.outcome_hash) if done else None
    receipt = Receipt(effect.event_id, task.correlation_id, effect.event_version)
    return BegunEffect(effect, receipt, outcome=outcome)


async def _given_again(
    transaction: TaskTransaction, task: Task, given: Authorization, permission: Permission
) -> Authorization:
    """The authorization for a repetition: the same id, with the yes to the repetition."""
    for approval in permission.known:
        await transaction.unit.save_approval(approval)
    return replace(
        given,
        participant_id=task.owner_id,
        epoch=task.epoch,
        approval_id=permission.approval_id,
        decision_id=permission.verdict.decision_id,
    )


async def _write(
    transaction: TaskTransaction, task: Task, effect: Effect, permission: Permission
) -> BegunEffect:
    """EFFECT_BEGUN, and the effect with it."""
    verdict = permission.verdict
    fields = EventFields(
        AuditEventType.EFFECT_BEGUN,
        reason=permission.reason,
        participant=effect.participant_id,
        verdict=verdict,
        inputs=(effect.subject_hash,),
        detail={
            **action_detail(permission.question.action, permission.question.subject),
            "subject_hash": effect.subject_hash,
            "asked_hash": permission.question.subject.hash,
            "authorization_id": effect.authorization_id,
            "approval_id": effect.approval_id,
            "epoch": effect.epoch,
            "begun": effect.begun,
            "idempotent": effect.idempotent,
        },
        used=permission.used,
    )
    _, receipt = await transaction.save(task, action_authorized(task, verdict), fields)
    kept = effect.recorded(event_id=receipt.audit_event_id, version=receipt.aggregate_version)
    await transaction.unit.save_effect(kept)
    return BegunEffect(kept, receipt, verdict)
