"""Takes an open handoff a step further: finds a target that policy allows, and offers the task.

Where nobody takes it: a task whose source is gone waits under its handoff and is tried again; one
whose source lives was never interrupted (DENIED), or goes on under a new epoch (ABORTED).
"""

from collections.abc import Sequence

from assignment_svc.domain import handoff_transitions
from assignment_svc.domain.discovery import Alternative, Ranked
from assignment_svc.domain.gate import LOST
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.losses import suspect
from assignment_svc.domain.predicates import CandidateLost, StaleRead
from assignment_svc.domain.states import HandoffStatus, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.alternatives import outscored, rejected_candidate
from assignment_svc.usecases.assignment.candidates import (
    CandidateSearch,
    SearchResult,
    SearchScope,
    known_of,
)
from assignment_svc.usecases.handoff.evaluate_target import (
    EvaluateTarget,
    TargetCandidate,
    TargetEvaluation,
)
from assignment_svc.usecases.handoff.give_up import give_up
from assignment_svc.usecases.handoff.make_offers import HandoffSnapshot, MakeOffers, Proposal
from assignment_svc.usecases.handoff.offering import (
    TIMED_OUT,
    StandingOffer,
    end_offer,
)
from assignment_svc.usecases.handoff.park_handoff import ParkHandoff
from assignment_svc.usecases.handoff.refused_targets import record_denial, record_nobody
from assignment_svc.usecases.steps.lose_owner import lose_owner
from assignment_svc.usecases.steps.migration import HandoffAbort
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect


class AdvanceHandoff:
    """Takes an open handoff one step further; calling it again is harmless."""

    def __init__(
        self, ports: Ports, search: CandidateSearch, evaluate: EvaluateTarget, park: ParkHandoff
    ) -> None:
        self._ports = ports
        self._search = search
        self._evaluate = evaluate
        self._park = park
        self._offer = MakeOffers(ports)

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
        """End an offer whose deadline has passed; its target is excluded for a while."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await locked(transaction, snapshot)
            if handoff.offer is None:
                raise StaleRead
            await transaction.lock_gates([handoff.offer.target])
            standing = StandingOffer(task, handoff, handoff.offer)
            await end_offer(transaction, standing, TIMED_OUT)
            await transaction.finish()

    async def _find_target(self, call: Call, snapshot: HandoffSnapshot) -> None:
        """Go through the candidates, best first: offer, ask a human, or try the next."""
        task, handoff = snapshot.task, snapshot.handoff
        # One that is back resumes what it held, unless that has to be kept apart from something.
        back = handoff.source_gone and suspect(task)
        scope = SearchScope(handoff.handoff_id, () if back else (handoff.source,))
        found = await self._search.find(call, task, snapshot.known, scope)
        lost = list(found.lost)
        for ranked, others in _in_order(found, handoff.cleared_target_id):
            candidate = _candidate(found, ranked, (*lost, *others))
            with self._search.expected.taking(call.tenant, ranked.candidate.participant_id):
                target = await self._evaluate(call, task, handoff, candidate)
                try:
                    await self._settle(call, snapshot, target)
                except CandidateLost as loss:
                    lost.append(rejected_candidate(ranked, loss, target.evaluation))
                    continue
            return
        await self._nobody(call, snapshot, lost)

    async def _settle(
        self, call: Call, snapshot: HandoffSnapshot, target: TargetEvaluation
    ) -> None:
        """Offer, park, or have the target lose; raises `CandidateLost` and `StaleRead`."""
        if target.effect is Effect.ALLOW:
            await self._offer(call, Proposal(snapshot, target))
        elif target.effect is Effect.REQUIRE_APPROVAL:
            await self._park(call, snapshot.task, snapshot.handoff, target)
        else:
            await self._deny_target(call, snapshot, target)
            raise CandidateLost("policy_allows", target.verdict.explanation or "policy denies it")

    async def _deny_target(
        self, call: Call, snapshot: HandoffSnapshot, target: TargetEvaluation
    ) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await locked(transaction, snapshot)
            await record_denial(transaction, task, handoff, target)

    async def _nobody(
        self, call: Call, snapshot: HandoffSnapshot, lost: Sequence[Alternative]
    ) -> None:
        """No candidate is left: wait, deny, or give the task back to its living source."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await locked(transaction, snapshot)
            await transaction.lock_gates([handoff.source])
            source = transaction.gate(handoff.source)
            fenced = task.status is TaskStatus.MIGRATING
            if handoff.source_gone or (source.marked and not fenced):
                await self._wait(transaction, handoff)
            elif not fenced:
                await record_nobody(transaction, task, handoff, lost)
            elif not source.takes_back:
                # It left while its task was on offer: nothing is bound to it any more (I8).
                reason = LOST.get(source.status, ReasonCode.PARTICIPANT_RETIREMENT)
                why = "nobody took the offer, and its source is leaving"
                await lose_owner(transaction, task, handoff, reason=reason, why=why)
            else:
                why = "nobody took the offer; its source goes on"
                abort = HandoffAbort(ReasonCode.NO_ELIGIBLE_PARTICIPANT, why)
                await give_up(transaction, task, handoff, abort)
            await transaction.finish()

    async def _wait(self, transaction: TaskTransaction, handoff: Handoff) -> None:
        """Try again when somebody joins, frees up or is certified, and by this timer."""
        now = transaction.now
        next_try_at = transaction.rules.queue.after(now, handoff.tries + 1)
        waiting = handoff_transitions.nobody_found(handoff, next_try_at=next_try_at, at=now)
        await transaction.unit.save_handoff(waiting)


async def locked(transaction: TaskTransaction, snapshot: HandoffSnapshot) -> tuple[Task, Handoff]:
    """Task and handoff under the task's lock; raises `StaleRead` where either moved on."""
    task = await transaction.unit.lock_task(snapshot.task.task_id)
    handoff = await transaction.unit.find_handoff(snapshot.handoff.handoff_id)
    return snapshot.still(task, handoff)


def _in_order(found: SearchResult, cleared: str) -> list[tuple[Ranked, tuple[Alternative, ...]]]:
    """The candidates best first, each with those behind it; one that a human allowed is first."""
    order = sorted(found.ranked, key=lambda one: one.candidate.participant_id != cleared)
    return [(one, outscored(order[index + 1 :], one)) for index, one in enumerate(order)]


def _candidate(
    found: SearchResult, ranked: Ranked, others: tuple[Alternative, ...]
) -> TargetCandidate:
    return TargetCandidate(
        standing=ranked.candidate.standing,
        asked_at=found.discovery.asked_at,
        approvals=found.approvals,
        score=ranked.score,
        alternatives=others,
    )
