"""Retires a participant (paper, Algorithm 6): its gate closes first, for ever; then tasks move."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from assignment_svc.domain.lifecycle import RETIREMENT, RetirementVerb
from assignment_svc.domain.retirement import Retirement, RetirementOutcome
from assignment_svc.domain.states import Actor, RetirementMode
from assignment_svc.usecases.membership.advance_retirement import AdvanceRetirement
from assignment_svc.usecases.membership.retirement_record import record_retirement
from assignment_svc.usecases.steps.documents import denial_detail, standing_document
from assignment_svc.usecases.steps.permissions import refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.errors import NotFound, NotPermitted, PolicyDenied, Unavailable
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call, Role
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict

GRACE = timedelta(minutes=5)
"""How long a graceful retirement waits where no deadline is given."""


@dataclass(frozen=True, slots=True)
class RetirementRequest:
    """Who retires, and how."""

    participant_id: str
    mode: RetirementMode = RetirementMode.GRACEFUL
    deadline: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class RetirementResult:
    """The retirement as it stands, and the proof of its last step."""

    retirement: Retirement
    receipt: Receipt


class RetireParticipant:
    """Begins a retirement; a second call answers the same one, or makes it immediate."""

    def __init__(self, ports: Ports, advance: AdvanceRetirement) -> None:
        self._ports = ports
        self._advance = advance

    async def __call__(self, call: Call, request: RetirementRequest) -> RetirementResult:
        """Close the gate and begin.

        Raises `NotFound`, `NotPermitted`, `PolicyDenied`, `PolicyEngineUnavailable`.
        """
        async with refusals_audited(self._ports, call, "RetireParticipant"):
            actor = _actor(call, request.participant_id)
            standing = await self._standing(call, request.participant_id)
            verdict = await self._ask(call, standing, request)
        result = await self._begin(call, request, (verdict, actor))
        return await self._go_on(call, result)

    async def _standing(self, call: Call, participant_id: str) -> Standing:
        found = await self._ports.registry.standings(call, [participant_id])
        if participant_id not in found:
            raise NotFound("participant", participant_id)
        return found[participant_id]

    async def _ask(self, call: Call, standing: Standing, request: RetirementRequest) -> Verdict:
        question: dict[str, Json] = {
            "participant": standing_document(standing),
            "mode": request.mode.value,
            "reason": request.why,
        }
        (verdict,) = await self._ports.policy.evaluate(call, DecisionPoint.RETIRE, [question])
        if verdict.effect is Effect.ALLOW:
            return verdict
        async with self._ports.units(call) as unit:
            await unit.audit(
                AuditDraft(
                    type=AuditEventType.POLICY_DENIED,
                    aggregate=f"refusal/{self._ports.new_id('refusal')}",
                    aggregate_version=1,
                    participant=request.participant_id,
                    reason_code=ReasonCode.POLICY_DENIED,
                    verdict=verdict,
                    detail=denial_detail(verdict, mode=request.mode.value),
                )
            )
        raise PolicyDenied(verdict)

    async def _begin(
        self, call: Call, request: RetirementRequest, allowed: tuple[Verdict, Actor]
    ) -> RetirementResult:
        """Set the mark that is never lifted and write the record, in one transaction."""
        verdict, actor = allowed
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            await transaction.lock_gates([request.participant_id])
            known = await unit.retirement_of(request.participant_id)
            if known is not None:
                result = await self._make_immediate(
                    transaction, known.retirement_id, request, verdict
                )
            else:
                # Nothing can be added to these: every bind needs the gate's lock, which we hold.
                held = await unit.held_by(request.participant_id)
                # A task that was fenced from it for an offer has no owner, but keeps its seat.
                left = await unit.handoffs_from(request.participant_id)
                seated = [one.task_id for one in left if one.source_seated]
                retirement = _retirement(transaction, call, request, verdict, (*held, *seated))
                RETIREMENT.apply(None, RetirementVerb.BEGIN, actor)
                gate = transaction.gate(request.participant_id)
                transaction.put_gate(gate.retiring(retirement.retirement_id))
                result = await _recorded(transaction, (None, retirement), verdict, request)
                await unit.add_retirement(result.retirement)
                await _announce(transaction, result.retirement, held)
            await transaction.finish()
        return result

    async def _make_immediate(
        self,
        transaction: TaskTransaction,
        retirement_id: str,
        request: RetirementRequest,
        verdict: Verdict,
    ) -> RetirementResult:
        """Answer the retirement that there is; one that is asked to be immediate stops waiting."""
        known = await transaction.unit.lock_retirement(retirement_id)
        immediate = request.mode is RetirementMode.IMMEDIATE
        if known.finished or known.mode is RetirementMode.IMMEDIATE or not immediate:
            receipt = Receipt(known.last_event_id, known.correlation_id, known.version)
            return RetirementResult(known, receipt)
        changed = known.made_immediate(transaction.now)
        result = await _recorded(transaction, (known, changed), verdict, request)
        await transaction.unit.save_retirement(result.retirement)
        return result

    async def _go_on(self, call: Call, result: RetirementResult) -> RetirementResult:
        """Take the first steps at once, so that a participant that holds nothing is RETIRED now.

        Only this answer is remembered (I10): where it is lost before, the repetition finds the
        retirement that there is.
        """
        with contextlib.suppress(Unavailable):
            # The retirement is recorded: the background workers go on with it.
            await self._advance(call, result.retirement.retirement_id)
        async with self._ports.units(call) as unit:
            now = await unit.find_retirement(result.retirement.retirement_id)
            answer = result if now is None else replace(result, retirement=now)
            await unit.remember(answer)
        return answer


def _actor(call: Call, participant_id: str) -> Actor:
    if call.principal.participant == participant_id:
        return Actor.PARTICIPANT
    if call.principal.has(Role.OPERATOR):
        return Actor.OPERATOR
    raise NotPermitted(
        "Only the participant itself, or an operator, may retire it",
        {"participant_id": participant_id},
        remedy=f"Have an operator do it: `phoenix-dma retire {participant_id}`.",
    )


def _retirement(
    transaction: TaskTransaction,
    call: Call,
    request: RetirementRequest,
    verdict: Verdict,
    held: Sequence[str],
) -> Retirement:
    """The record of a retirement that begins now: whoever held the gate before may be bound."""
    now = transaction.clock.now()
    return Retirement(
        retirement_id=transaction.new_id("retire"),
        participant_id=request.participant_id,
        mode=request.mode,
        deadline_at=request.deadline or now + GRACE,
        reason=request.why,
        requested_by=call.actor,
        decision_id=verdict.decision_id,
        correlation_id=call.correlation_id,
        created_at=now,
        outcomes=tuple(RetirementOutcome(task_id) for task_id in held),
        next_try_at=now,
    )


async def _recorded(
    transaction: TaskTransaction,
    retirements: tuple[Retirement | None, Retirement],
    verdict: Verdict,
    request: RetirementRequest,
) -> RetirementResult:
    _, after = retirements
    detail: dict[str, Json] = {
        "mode": after.mode.value,
        "deadline": after.deadline_at.isoformat(),
        "active_tasks": [one.task_id for one in after.outcomes],
        "why": request.why,
    }
    kind = AuditEventType.RETIREMENT_STARTED
    return RetirementResult(
        *await record_retirement(transaction, retirements, kind, detail, verdict)
    )


async def _announce(
    transaction: TaskTransaction, retirement: Retirement, held: Sequence[str]
) -> None:
    """Direct a participant that leaves gracefully to drain and to checkpoint what it holds."""
    if retirement.mode is RetirementMode.IMMEDIATE:
        return
    orders = [(DirectiveAction.DRAIN, "")]
    orders += [(DirectiveAction.CHECKPOINT_TASK, task_id) for task_id in held]
    for action, task_id in orders:
        await transaction.unit.direct(
            Directive(
                directive_id=transaction.new_id("directive"),
                action=action,
                participant_id=retirement.participant_id,
                task_id=task_id,
                deadline=retirement.deadline_at,
                facts={"retirement_id": retirement.retirement_id},
            )
        )
