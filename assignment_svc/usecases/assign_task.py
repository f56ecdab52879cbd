"""Assign (paper, Algorithm 3): discover, score, ask policy best first, bind in one commit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assignment_svc.domain.approval import ASSIGN, Approval, assignment_subject, subject_hash
from assignment_svc.domain.discovery import Alternative, Discovery, Judged, Ranked, Seats
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.predicates import CandidateLost, StaleRead, TooSlow
from assignment_svc.domain.scoring import rank
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import LeftOut, Task
from assignment_svc.usecases.assigned import Assigned, standing_answer
from assignment_svc.usecases.bind import Bind, Binder
from assignment_svc.usecases.denials import Denials
from assignment_svc.usecases.inputs import (
    approval_documents,
    policy_task,
    requirement_of,
    score_document,
    standing_document,
)
from assignment_svc.usecases.park import ParkAssignment, Parking
from assignment_svc.usecases.ports import Ports
from assignment_svc.usecases.questions import Matter, about
from phoenix_runtime.core.errors import NoEligibleParticipant, NotFound
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Effect

STANDING_SECONDS = 2.5
"""A standing older than this when policy is asked is read again: both have to be fresh (I5)."""


@dataclass(frozen=True, slots=True)
class Round:
    """One look at everything: the task, who was found, in which order, and who lost already."""

    task: Task
    discovery: Discovery
    ranked: tuple[Ranked, ...]
    lost: tuple[Alternative, ...]
    approvals: tuple[Approval, ...] = ()
    """What humans were asked about the task, as remembered when it was looked at."""


@dataclass(frozen=True, slots=True)
class Known:
    """What belongs to a task and decides who is asked."""

    left_out: tuple[LeftOut, ...]
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is looked for: an assignee, or the target of the handoff ``scope``, never its source."""

    scope: str = ""
    exclude: tuple[str, ...] = ()


FOR_THE_TASK = Purpose()


class AssignTask:
    """Finds somebody for a task that waits, and binds the best whom policy allows."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._binder = Binder(ports)
        self._park = ParkAssignment(ports)
        self._denials = Denials(ports)

    async def __call__(
        self, call: Call, task_id: str, seen: tuple[Task, Known] | None = None
    ) -> Assigned:
        """Assign a known task; one that is bound, or waits for a human, answers as it stands.

        ``seen`` is the task as the caller has just read it, where it has.
        Raises `NotFound`, `IllegalTransition`, `NoEligibleParticipant` (the task stays PENDING),
        `PolicyEngineUnavailable` and `Unavailable`.
        """
        for _ in range(self._ports.rules.looks):
            task, known = seen or await self.read(call, task_id)
            seen = None
            answer = standing_answer(task)
            if answer is not None:
                return answer
            task_step(task.status, task.parked_for, "assign", Actor.ENGINE)
            try:
                return await self._try(call.about(task.correlation_id), task, known)
            except StaleRead:
                continue
        raise TooSlow("What was judged changed again and again")

    async def read(self, call: Call, task_id: str) -> tuple[Task, Known]:
        """The task and what decides who is asked, unlocked; raises `NotFound`."""
        async with self._ports.units.reading(call) as unit:
            task = await unit.find_task(task_id)
            if task is None:
                raise NotFound("task", task_id)
            return task, await known_of(unit, task_id)

    async def _try(self, call: Call, task: Task, known: Known) -> Assigned:
        """One round: the first candidate whom policy allows and whose gate takes it."""
        look = await self.look(call, task, known=known)
        lost = list(look.lost)
        for index, ranked in enumerate(look.ranked):
            others = outscored(look.ranked[index + 1 :], ranked)
            judged, matter = await self.judge(call, look, ranked)
            try:
                bind = Bind(task, judged, (*lost, *others))
                return await self._settle(call, bind, matter)
            except CandidateLost as loss:
                lost.append(lost_one(ranked, loss, judged))
        await self._denials.nobody(call, task, lost)
        raise nobody(task, lost)

    async def look(
        self, call: Call, task: Task, purpose: Purpose = FOR_THE_TASK, known: Known | None = None
    ) -> Round:
        """Discover and score; those who are backing off or have no seat lose at once.

        ``known`` is read where it is not given.
        """
        now = self._ports.clock.now()
        scope, exclude = purpose.scope, purpose.exclude
        if known is None:
            async with self._ports.units.reading(call) as unit:
                known = await known_of(unit, task.task_id)
        resting = [
            one
            for one in known.left_out
            if one.scope in {"", scope} and (not one.until or one.until > now)
        ]
        unwanted = [*exclude, *(one.participant_id for one in resting)]
        requirement = requirement_of(task, unwanted)
        found = await self._ports.registry.discover(call, requirement)
        gates = await self._gates(call, [c.participant_id for c in found.candidates])
        asleep = {*exclude, *(one.participant_id for one in resting)}
        full = [g for c in found.candidates if (g := gates.get(c.participant_id)) and shut(g)]
        out = asleep | {gate.participant_id for gate in full}
        ranked = rank(
            task.spec.required_capabilities,
            (c for c in found.candidates if c.participant_id not in out),
            seats=Seats({name: gate.used for name, gate in gates.items()}),
            weights=self._ports.rules.weights,
        )
        lost = (*found.excluded, *map(backing_off, resting), *map(no_seat, full))
        return Round(task, found, ranked, lost, known.approvals)

    async def _gates(self, call: Call, candidates: Sequence[str]) -> dict[str, Gate]:
        if not candidates:
            return {}
        async with self._ports.units.reading(call) as unit:
            return await unit.find_gates(candidates)

    async def judge(self, call: Call, look: Round, ranked: Ranked) -> tuple[Judged, Matter]:
        """Ask `task.assign` about one candidate, with what humans decided about exactly this."""
        ports, task = self._ports, look.task
        standing, asked_at = ranked.candidate.standing, look.discovery.asked_at
        if ports.clock.monotonic() - asked_at > STANDING_SECONDS:
            asked_at = ports.clock.monotonic()
            seen = await ports.registry.standings(call, [standing.participant_id])
            standing = seen.get(standing.participant_id, standing)
        matter = matter_of(task, standing.participant_id)
        question: dict[str, Json] = {
            "task": policy_task(task),
            "candidate": standing_document(standing),
            "score": score_document(ranked.score),
            "subject_hash": matter.subject_hash,
            "approvals": approval_documents(await about(ports, call, look.approvals, matter)),
        }
        decision_asked_at = ports.clock.monotonic()
        (verdict,) = await ports.policy.evaluate(call, DecisionPoint.ASSIGN, [question])
        judged = Judged(standing, verdict, asked_at, decision_asked_at, ranked.score)
        return judged, matter

    async def _settle(self, call: Call, bind: Bind, matter: Matter) -> Assigned:
        """Bind, park, or have the candidate lose; raises `CandidateLost` and `StaleRead`."""
        verdict = bind.judged.verdict
        if verdict.effect is Effect.ALLOW:
            return await self._binder(call, bind)
        if verdict.effect is Effect.REQUIRE_APPROVAL:
            return await self._park(call, Parking(bind, matter))
        await self._denials.denied(call, bind.task, bind.judged)
        raise CandidateLost("policy_allows", verdict.explanation or "policy denies it")


async def known_of(unit: Unit, task_id: str) -> Known:
    """Who is left out for a task, and what humans were asked about it."""
    return Known(await unit.left_out(task_id), await unit.approvals_of(task_id))


def matter_of(task: Task, target: str) -> Matter:
    """What a human is asked about an assignment; it dies with target and epoch."""
    spec = task.spec
    subject = assignment_subject(spec.task_id, spec.objective, target, task.epoch + 1)
    return Matter(ASSIGN, subject, subject_hash(subject), target=target)


def shut(gate: Gate) -> bool:
    """Whether a bind would certainly fail; what the gate does not know yet is judged there."""
    return gate.marked or (gate.capacity > 0 and gate.used >= gate.capacity)


def outscored(others: Sequence[Ranked], best: Ranked) -> tuple[Alternative, ...]:
    """Those behind the one that is tried now."""
    return tuple(
        Alternative(
            one.candidate.participant_id,
            "score",
            f"{one.score.total:.3f} against {best.score.total:.3f}",
            one.score,
        )
        for one in others
    )


def lost_one(ranked: Ranked, loss: CandidateLost, judged: Judged) -> Alternative:
    """A candidate that was tried and lost."""
    denied = loss.failed == "policy_allows"
    return Alternative(
        ranked.candidate.participant_id,
        loss.failed,
        loss.because,
        ranked.score,
        judged.verdict.decision_id if denied else "",
    )


def backing_off(entry: LeftOut) -> Alternative:
    """Somebody who is not asked yet, or not any more."""
    until = f" until {entry.until:%H:%M:%S}" if entry.until else ""
    because = entry.because or f"{entry.reason}; left out{until}"
    return Alternative(entry.participant_id, "backing_off", because, decision_id=entry.decision_id)


def no_seat(gate: Gate) -> Alternative:
    """Somebody whose gate is known to be shut."""
    if gate.marked:
        return Alternative(gate.participant_id, "active", "it is leaving for ever")
    because = f"all of its {gate.capacity} seats are taken"
    return Alternative(gate.participant_id, "capacity", because)


def nobody(task: Task, lost: Iterable[Alternative]) -> NoEligibleParticipant:
    """The refusal that names the failed conjunct of everybody who came near."""
    facts = {one.participant_id: one.failed for one in lost}
    conjuncts = ", ".join(f"{name}: {failed}" for name, failed in sorted(facts.items()))
    text = (
        f"Nobody can take {task.task_id} now; it stays pending ({conjuncts or 'nobody is there'})"
    )
    return NoEligibleParticipant(text, {"task_id": task.task_id, **facts})
