"""Advance: the engine's step of an open handoff: find a target whom policy allows, and offer.

Nobody: a task whose source is gone waits under its handoff and is tried again; one whose source
lives was never interrupted (DENIED), or goes on with its source under a new epoch (ABORTED).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assignment_svc.domain.discovery import Alternative, Ranked
from assignment_svc.domain.gate import LOST
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import HANDOFF
from assignment_svc.domain.predicates import CandidateLost, StaleRead
from assignment_svc.domain.states import Actor, HandoffStatus, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.alternatives import outscored, rejected_candidate
from assignment_svc.usecases.assignment.candidates import (
    AssignmentHistory,
    CandidateSearch,
    SearchResult,
    SearchScope,
    known_of,
)
from assignment_svc.usecases.handoff.abort_handoff import give_up
from assignment_svc.usecases.handoff.evaluate_target import EvaluateTarget, Seen, TargetEvaluation
from assignment_svc.usecases.handoff.offering import OfferEnding, make_offer, withdraw_offer
from assignment_svc.usecases.handoff.park_handoff import ParkHandoff
from assignment_svc.usecases.steps.denials import denial_is_new
from assignment_svc.usecases.steps.documents import alternative_documents, denial_detail
from assignment_svc.usecases.steps.lose_owner import lose_owner
from assignment_svc.usecases.steps.migration import HandoffAbort, handed_over
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect


@dataclass(frozen=True, slots=True)
class HandoffSnapshot:
    """A handoff and its task as they were seen together, and what decides who is asked."""

    task: Task
    handoff: Handoff
    known: AssignmentHistory


class AdvanceHandoff:
    """Takes an open handoff one step further; calling it again is harmless."""

    def __init__(
        self, ports: Ports, search: CandidateSearch, evaluate: EvaluateTarget, park: ParkHandoff
    ) -> None:
        self._ports = ports
        self._search = search
        self._evaluate = evaluate
        self._park = park

    async def __call__(self, call: Call, handoff_id: str) -> None:
        """Advance; raises `PolicyEngineUnavailable` and `Unavailable`: try again later."""
        for _ in range(self._ports.rules.rounds):
            snapshot = await self._read(call, handoff_id)
            if snapshot is None:
                return
            try:
                await self._step(call.about(snapshot.task.correlation_id), snapshot)
            except StaleRead:
                continue
            return

    async def _read(self, call: Call, handoff_id: str) -> HandoffSnapshot | None:
        async with self._ports.units.reading(call) as unit:
            handoff = await unit.find_handoff(handoff_id)
            if handoff is None or handoff.ended:
                return None
            task = await unit.find_task(handoff.task_id)
            if task is None:
                return None
            return HandoffSnapshot(task, handoff, await known_of(unit, task.task_id))

    async def _step(self, call: Call, snapshot: HandoffSnapshot) -> None:
        offer = snapshot.handoff.offer
        if snapshot.handoff.status is HandoffStatus.OFFERED and offer is not None:
            if offer.deadline <= self._ports.clock.now():
                await self._time_out(call, snapshot)
                raise StaleRead  # the next candidate, at once
        elif snapshot.handoff.status is HandoffStatus.INITIATED:
            await self._find_target(call, snapshot)

    async def _time_out(self, call: Call, snapshot: HandoffSnapshot) -> None:
        """The offer lapses: its target is left out for a while."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await locked(transaction, snapshot)
            offer = handoff.offer
            if offer is None:
                raise StaleRead
            await transaction.lock_gates([offer.target])
            ending = OfferEnding(
                "time_out",
                Actor.DEADLINE,
                ReasonCode.OFFER_TIMEOUT,
                "it did not answer in time",
                "lapsed",
            )
            await withdraw_offer(transaction, task, handoff, ending)
            await transaction.finish()

    async def _find_target(self, call: Call, snapshot: HandoffSnapshot) -> None:
        """Candidates best first: offer, ask a human, or go on to the next."""
        scope = SearchScope(snapshot.handoff.handoff_id, (snapshot.handoff.source,))
        result = await self._search.find(call, snapshot.task, snapshot.known, scope)
        lost = list(result.lost)
        for ranked, others in _in_order(result, snapshot.handoff.cleared_target_id):
            seen = self._seen(result, ranked, (*lost, *others))
            target = await self._evaluate(call, snapshot.task, snapshot.handoff, seen)
            try:
                await self._settle(call, snapshot, target)
            except CandidateLost as loss:
                lost.append(rejected_candidate(ranked, loss, target.evaluation))
                continue
            return
        await self._nobody(call, snapshot, lost)

    def _seen(self, result: SearchResult, ranked: Ranked, others: tuple[Alternative, ...]) -> Seen:
        return Seen(
            standing=ranked.candidate.standing,
            asked_at=result.discovery.asked_at,
            approvals=result.approvals,
            score=ranked.score,
            alternatives=others,
        )

    async def _settle(
        self, call: Call, snapshot: HandoffSnapshot, target: TargetEvaluation
    ) -> None:
        """Offer, park, or have the target lose; raises `CandidateLost` and `StaleRead`."""
        if target.effect is Effect.ALLOW:
            await self._offer(call, snapshot, target)
        elif target.effect is Effect.REQUIRE_APPROVAL:
            await self._park(call, snapshot.task, snapshot.handoff, target)
        else:
            await self._deny_target(call, snapshot, target)
            raise CandidateLost("policy_allows", target.verdict.explanation or "policy denies it")

    async def _offer(self, call: Call, snapshot: HandoffSnapshot, target: TargetEvaluation) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await locked(transaction, snapshot)
            await transaction.lock_gates(
                {handoff.source, target.evaluation.standing.participant_id}
            )
            if not handoff.source_gone and transaction.gate(handoff.source).marked:
                await self._source_left(transaction, task, handoff)
            else:
                await make_offer(transaction, task, handoff, target.evaluation)
            await transaction.finish()

    async def _source_left(
        self, transaction: TaskTransaction, task: Task, handoff: Handoff
    ) -> None:
        """A source that retires is not handed its task back if the offer fails: it counts as gone.

        The offer itself is made at the next look, which the lost source calls for at once.
        """
        await lose_owner(
            transaction,
            task,
            handoff,
            reason=ReasonCode.PARTICIPANT_RETIREMENT,
            why="a target was found for the task of a retiring participant",
        )

    async def _deny_target(
        self, call: Call, snapshot: HandoffSnapshot, target: TargetEvaluation
    ) -> None:
        """HANDOFF_DENIED for one target, where it is the first denial or another than the last."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await locked(transaction, snapshot)
            status = HANDOFF.apply(handoff.status, "refuse_target", Actor.ENGINE)
            if not await denial_is_new(transaction, task, target.evaluation):
                return
            who = target.evaluation.standing.participant_id
            fields = EventFields(
                AuditEventType.HANDOFF_DENIED,
                reason=ReasonCode.POLICY_DENIED,
                participant=who,
                handoff=handoff.handoff_id,
                handoff_states=(handoff.status, status),
                verdict=target.verdict,
                detail=denial_detail(target.verdict, target=who, **handed_over(task, handoff)),
            )
            saved, receipt = await transaction.record(task, task, fields)
            await unit.save_task(saved)
            await unit.save_handoff(replace(handoff, last_event_id=receipt.audit_event_id))

    async def _nobody(
        self, call: Call, snapshot: HandoffSnapshot, lost: Sequence[Alternative]
    ) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await locked(transaction, snapshot)
            await transaction.lock_gates([handoff.source])
            source, fenced = transaction.gate(handoff.source), task.status is TaskStatus.MIGRATING
            if handoff.source_gone or (source.marked and not fenced):
                await self._wait(transaction, handoff)
            elif not fenced:
                await self._denied(transaction, task, handoff, lost)
            elif not source.takes_back:
                # It left while its task was on offer: nothing is bound to it any more (I8).
                reason = LOST.get(source.status, ReasonCode.PARTICIPANT_RETIREMENT)
                why = "nobody took the offer, and its source is leaving"
                await lose_owner(transaction, task, handoff, reason=reason, why=why)
            else:
                why = "nobody took the offer; its source goes on"
                await give_up(
                    transaction,
                    task,
                    handoff,
                    HandoffAbort(ReasonCode.NO_ELIGIBLE_PARTICIPANT, why),
                )
            await transaction.finish()

    async def _wait(self, transaction: TaskTransaction, handoff: Handoff) -> None:
        """Tried again when somebody joins, frees up or is certified, and by this timer."""
        tries = handoff.tries + 1
        waiting = replace(
            handoff,
            tries=tries,
            cleared_target_id="",
            next_try_at=transaction.rules.queue.after(transaction.now, tries),
            updated_at=transaction.now,
        )
        await transaction.unit.save_handoff(waiting)

    async def _denied(
        self,
        transaction: TaskTransaction,
        task: Task,
        handoff: Handoff,
        lost: Sequence[Alternative],
    ) -> None:
        """No target is allowed; the task was never interrupted."""
        status = HANDOFF.apply(handoff.status, "deny", Actor.ENGINE)
        saved, receipt = await transaction.record(
            task,
            replace(task, handoff_id=""),
            EventFields(
                AuditEventType.HANDOFF_DENIED,
                reason=ReasonCode.NO_ELIGIBLE_PARTICIPANT,
                participant=handoff.source,
                handoff=handoff.handoff_id,
                handoff_states=(handoff.status, status),
                detail={**handed_over(task, handoff), "failed": alternative_documents(lost)},
            ),
        )
        await transaction.unit.save_task(saved)
        ended = replace(
            handoff,
            status=status,
            next_try_at=None,
            updated_at=transaction.now,
            failure_hash=content_hash({one.participant_id: one.failed for one in lost}),
            last_event_id=receipt.audit_event_id,
        )
        await transaction.unit.save_handoff(ended)


async def locked(transaction: TaskTransaction, snapshot: HandoffSnapshot) -> tuple[Task, Handoff]:
    """Task and handoff under the task's lock; raises `StaleRead` where either moved on."""
    task = await transaction.unit.lock_task(snapshot.task.task_id)
    handoff = await transaction.unit.find_handoff(snapshot.handoff.handoff_id)
    same = (
        handoff is not None
        and handoff.status is snapshot.handoff.status
        and handoff.offer == snapshot.handoff.offer
        and handoff.source_gone == snapshot.handoff.source_gone
        and task.status is snapshot.task.status
        and task.epoch == snapshot.task.epoch
        and task.pointer == snapshot.task.pointer
    )
    if handoff is None or not same:
        raise StaleRead
    return task, handoff


def _in_order(result: SearchResult, cleared: str) -> list[tuple[Ranked, tuple[Alternative, ...]]]:
    """The candidates best first, each with those behind it; one whom a human cleared goes first."""
    order = sorted(result.ranked, key=lambda one: one.candidate.participant_id != cleared)
    return [(one, outscored(order[index + 1 :], one)) for index, one in enumerate(order)]
