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
from assignment_svc.usecases.assignment.alternatives import lost_one, outscored
from assignment_svc.usecases.assignment.candidates import (
    CandidateSearch,
    Known,
    Purpose,
    Round,
    known_of,
)
from assignment_svc.usecases.handoff.abort_handoff import give_up
from assignment_svc.usecases.handoff.judge_target import JudgedTarget, JudgeTarget, Seen
from assignment_svc.usecases.handoff.offering import Withdrawal, make_offer, withdraw_offer
from assignment_svc.usecases.handoff.park_handoff import ParkHandoff
from assignment_svc.usecases.steps.denials import denial_is_new
from assignment_svc.usecases.steps.documents import alternative_documents, denial_detail
from assignment_svc.usecases.steps.lose_owner import lose_owner
from assignment_svc.usecases.steps.migration import Abort, handed_over
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import Act, Telling
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect


@dataclass(frozen=True, slots=True)
class Move:
    """A handoff and its task as they were seen together, and what decides who is asked."""

    task: Task
    handoff: Handoff
    known: Known


class AdvanceHandoff:
    """Takes an open handoff one step further; calling it again is harmless."""

    def __init__(
        self, ports: Ports, search: CandidateSearch, judge: JudgeTarget, park: ParkHandoff
    ) -> None:
        self._ports = ports
        self._search = search
        self._judge = judge
        self._park = park

    async def __call__(self, call: Call, handoff_id: str) -> None:
        """Advance; raises `PolicyEngineUnavailable` and `Unavailable`: try again later."""
        for _ in range(self._ports.rules.looks):
            move = await self._read(call, handoff_id)
            if move is None:
                return
            try:
                await self._step(call.about(move.task.correlation_id), move)
            except StaleRead:
                continue
            return

    async def _read(self, call: Call, handoff_id: str) -> Move | None:
        async with self._ports.units.reading(call) as unit:
            handoff = await unit.find_handoff(handoff_id)
            if handoff is None or handoff.ended:
                return None
            task = await unit.find_task(handoff.task_id)
            if task is None:
                return None
            return Move(task, handoff, await known_of(unit, task.task_id))

    async def _step(self, call: Call, move: Move) -> None:
        offer = move.handoff.offer
        if move.handoff.status is HandoffStatus.OFFERED and offer is not None:
            if offer.deadline <= self._ports.clock.now():
                await self._time_out(call, move)
                raise StaleRead  # the next candidate, at once
        elif move.handoff.status is HandoffStatus.INITIATED:
            await self._find_target(call, move)

    async def _time_out(self, call: Call, move: Move) -> None:
        """The offer lapses: its target is left out for a while."""
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task, handoff = await locked(act, move)
            offer = handoff.offer
            if offer is None:
                raise StaleRead
            await act.lock_gates([offer.target])
            withdrawal = Withdrawal(
                "time_out",
                Actor.DEADLINE,
                ReasonCode.OFFER_TIMEOUT,
                "it did not answer in time",
                "lapsed",
            )
            await withdraw_offer(act, task, handoff, withdrawal)
            await act.finish()

    async def _find_target(self, call: Call, move: Move) -> None:
        """Candidates best first: offer, ask a human, or go on to the next."""
        purpose = Purpose(move.handoff.handoff_id, (move.handoff.source,))
        look = await self._search.find(call, move.task, move.known, purpose)
        lost = list(look.lost)
        for ranked, others in _in_order(look, move.handoff.cleared_target_id):
            seen = self._seen(look, ranked, (*lost, *others))
            target = await self._judge(call, move.task, move.handoff, seen)
            try:
                await self._settle(call, move, target)
            except CandidateLost as loss:
                lost.append(lost_one(ranked, loss, target.judged))
                continue
            return
        await self._nobody(call, move, lost)

    def _seen(self, look: Round, ranked: Ranked, others: tuple[Alternative, ...]) -> Seen:
        return Seen(
            standing=ranked.candidate.standing,
            asked_at=look.discovery.asked_at,
            approvals=look.approvals,
            score=ranked.score,
            alternatives=others,
        )

    async def _settle(self, call: Call, move: Move, target: JudgedTarget) -> None:
        """Offer, park, or have the target lose; raises `CandidateLost` and `StaleRead`."""
        if target.effect is Effect.ALLOW:
            await self._offer(call, move, target)
        elif target.effect is Effect.REQUIRE_APPROVAL:
            await self._park(call, move.task, move.handoff, target)
        else:
            await self._deny_target(call, move, target)
            raise CandidateLost("policy_allows", target.verdict.explanation or "policy denies it")

    async def _offer(self, call: Call, move: Move, target: JudgedTarget) -> None:
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task, handoff = await locked(act, move)
            await act.lock_gates({handoff.source, target.judged.standing.participant_id})
            if not handoff.source_gone and act.gate(handoff.source).marked:
                await self._source_left(act, task, handoff)
            else:
                await make_offer(act, task, handoff, target.judged)
            await act.finish()

    async def _source_left(self, act: Act, task: Task, handoff: Handoff) -> None:
        """A source that retires is not handed its task back if the offer fails: it counts as gone.

        The offer itself is made at the next look, which the lost source calls for at once.
        """
        await lose_owner(
            act,
            task,
            handoff,
            reason=ReasonCode.PARTICIPANT_RETIREMENT,
            why="a target was found for the task of a retiring participant",
        )

    async def _deny_target(self, call: Call, move: Move, target: JudgedTarget) -> None:
        """HANDOFF_DENIED for one target, where it is the first denial or another than the last."""
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task, handoff = await locked(act, move)
            status = HANDOFF.apply(handoff.status, "refuse_target", Actor.ENGINE)
            if not await denial_is_new(act, task, target.judged):
                return
            who = target.judged.standing.participant_id
            telling = Telling(
                AuditEventType.HANDOFF_DENIED,
                reason=ReasonCode.POLICY_DENIED,
                participant=who,
                handoff=handoff.handoff_id,
                handoff_states=(handoff.status, status),
                verdict=target.verdict,
                detail=denial_detail(target.verdict, target=who, **handed_over(task, handoff)),
            )
            told, receipt = await act.tell(task, task, telling)
            await unit.save_task(told)
            await unit.save_handoff(replace(handoff, last_event_id=receipt.audit_event_id))

    async def _nobody(self, call: Call, move: Move, lost: Sequence[Alternative]) -> None:
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task, handoff = await locked(act, move)
            await act.lock_gates([handoff.source])
            source, fenced = act.gate(handoff.source), task.status is TaskStatus.MIGRATING
            if handoff.source_gone or (source.marked and not fenced):
                await self._wait(act, handoff)
            elif not fenced:
                await self._denied(act, task, handoff, lost)
            elif not source.takes_back:
                # It left while its task was on offer: nothing is bound to it any more (I8).
                reason = LOST.get(source.status, ReasonCode.PARTICIPANT_RETIREMENT)
                why = "nobody took the offer, and its source is leaving"
                await lose_owner(act, task, handoff, reason=reason, why=why)
            else:
                why = "nobody took the offer; its source goes on"
                await give_up(act, task, handoff, Abort(ReasonCode.NO_ELIGIBLE_PARTICIPANT, why))
            await act.finish()

    async def _wait(self, act: Act, handoff: Handoff) -> None:
        """Tried again when somebody joins, frees up or is certified, and by this timer."""
        tries = handoff.tries + 1
        waiting = replace(
            handoff,
            tries=tries,
            cleared_target_id="",
            next_try_at=act.rules.queue.after(act.now, tries),
            updated_at=act.now,
        )
        await act.unit.save_handoff(waiting)

    async def _denied(
        self, act: Act, task: Task, handoff: Handoff, lost: Sequence[Alternative]
    ) -> None:
        """No target is allowed; the task was never interrupted."""
        status = HANDOFF.apply(handoff.status, "deny", Actor.ENGINE)
        told, receipt = await act.tell(
            task,
            replace(task, handoff_id=""),
            Telling(
                AuditEventType.HANDOFF_DENIED,
                reason=ReasonCode.NO_ELIGIBLE_PARTICIPANT,
                participant=handoff.source,
                handoff=handoff.handoff_id,
                handoff_states=(handoff.status, status),
                detail={**handed_over(task, handoff), "failed": alternative_documents(lost)},
            ),
        )
        await act.unit.save_task(told)
        ended = replace(
            handoff,
            status=status,
            next_try_at=None,
            updated_at=act.now,
            failure_hash=content_hash({one.participant_id: one.failed for one in lost}),
            last_event_id=receipt.audit_event_id,
        )
        await act.unit.save_handoff(ended)


async def locked(act: Act, move: Move) -> tuple[Task, Handoff]:
    """Task and handoff under the task's lock; raises `StaleRead` where either moved on."""
    task = await act.unit.lock_task(move.task.task_id)
    handoff = await act.unit.find_handoff(move.handoff.handoff_id)
    same = (
        handoff is not None
        and handoff.status is move.handoff.status
        and handoff.offer == move.handoff.offer
        and handoff.source_gone == move.handoff.source_gone
        and task.status is move.task.status
        and task.epoch == move.task.epoch
        and task.pointer == move.task.pointer
    )
    if handoff is None or not same:
        raise StaleRead
    return task, handoff


def _in_order(look: Round, cleared: str) -> list[tuple[Ranked, tuple[Alternative, ...]]]:
    """The candidates best first, each with those behind it; one whom a human cleared goes first."""
    order = sorted(look.ranked, key=lambda one: one.candidate.participant_id != cleared)
    return [(one, outscored(order[index + 1 :], one)) for index, one in enumerate(order)]
