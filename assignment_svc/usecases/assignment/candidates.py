"""Finds and evaluates candidates for a task (paper, Algorithm 3, steps 1 to 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assignment_svc.domain.approval import Approval, ApprovalSubject, assignment_subject
from assignment_svc.domain.discovery import (
    Alternative,
    Candidate,
    Discovery,
    Evaluation,
    Ranked,
    Seats,
)
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.scoring import free_first, others_first, rank
from assignment_svc.domain.task import Exclusion, Task
from assignment_svc.usecases.assignment.alternatives import backing_off, kept_apart, no_seat
from assignment_svc.usecases.assignment.expected_seats import ExpectedSeats
from assignment_svc.usecases.steps.approval_requests import refreshed_approvals
from assignment_svc.usecases.steps.documents import (
    approval_documents,
    policy_task,
    requirement_of,
    score_document,
    standing_document,
)
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.suspects import kept_apart_from
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint

STANDING_SECONDS = 2.5
"""A standing older than this when policy is asked is read again: both have to be fresh (I5)."""

RESTING_SHOWN = 200
"""Participants that back off and are named as alternatives; all of them are left out."""


@dataclass(frozen=True, slots=True)
class AssignmentHistory:
    """What is kept with a task and decides which candidates are asked."""

    exclusions: tuple[Exclusion, ...]
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Whom to find: an assignee, or a target of ``handoff_id``; never one of ``exclude``."""

    handoff_id: str = ""
    exclude: tuple[str, ...] = ()


FOR_THE_TASK = SearchScope()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One search: the task, who was found, in which order, and who lost already."""

    task: Task
    discovery: Discovery
    ranked: tuple[Ranked, ...]
    lost: tuple[Alternative, ...]
    approvals: tuple[Approval, ...] = ()
    """What humans were asked about the task, as remembered when the search began."""


class CandidateSearch:
    """Discovers and scores candidates, and asks policy about one of them."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.expected = ExpectedSeats()
        """What those who go through a result are about to take."""

    async def find(
        self,
        call: Call,
        task: Task,
        known: AssignmentHistory | None = None,
        scope: SearchScope = FOR_THE_TASK,
    ) -> SearchResult:
        """Discover and score; those who are backing off or have no seat lose at once.

        ``known`` is read where it is not given. Raises `Unavailable`.
        """
        known = known or await self._known(call, task.task_id)
        resting = self._resting(known, scope)
        unwanted = [*scope.exclude, *(one.participant_id for one in resting)]
        found = await self._ports.registry.discover(call, requirement_of(task, unwanted))
        gates, apart_from = await self._gates(
            call, task, [c.participant_id for c in found.candidates]
        )
        full = [g for c in found.candidates if (g := gates.get(c.participant_id)) and g.refuses]
        out = {*unwanted, *(gate.participant_id for gate in full), *apart_from}
        ranked = rank(
            task.spec.required_capabilities,
            (c for c in found.candidates if c.participant_id not in out),
            seats=self._seats(call, found.candidates, gates),
            weights=self._ports.rules.weights,
        )
        failed = {one.participant_id for one in known.exclusions if one.failed_before}
        ranked = others_first(free_first(ranked), failed)
        resting = resting[:RESTING_SHOWN]
        apart = (kept_apart(name, other) for name, other in sorted(apart_from.items()))
        lost = (*found.excluded, *map(backing_off, resting), *map(no_seat, full), *apart)
        return SearchResult(task, found, ranked, lost, known.approvals)

    async def evaluate(
        self, call: Call, found: SearchResult, ranked: Ranked
    ) -> tuple[Evaluation, ApprovalSubject]:
        """Ask `task.assign` about one candidate, with what humans decided about exactly this.

        Raises `Unavailable` and `PolicyEngineUnavailable`.
        """
        ports, task = self._ports, found.task
        standing, asked_at = ranked.candidate.standing, found.discovery.asked_at
        if ports.clock.monotonic() - asked_at > STANDING_SECONDS:
            asked_at = ports.clock.monotonic()
            current = await ports.registry.standings(call, [standing.participant_id])
            standing = current.get(standing.participant_id, standing)
        subject = assignment_subject(task, standing.participant_id)
        known = await refreshed_approvals(ports, call, found.approvals, subject)
        question: dict[str, Json] = {
            "task": policy_task(task),
            "candidate": standing_document(standing),
            "score": score_document(ranked.score),
            "subject_hash": subject.hash,
            "approvals": approval_documents(known),
        }
        decision_asked_at = ports.clock.monotonic()
        (verdict,) = await ports.policy.evaluate(call, DecisionPoint.ASSIGN, [question])
        evaluation = Evaluation(standing, verdict, asked_at, decision_asked_at, ranked.score)
        return evaluation, subject

    async def _known(self, call: Call, task_id: str) -> AssignmentHistory:
        async with self._ports.units.reading(call) as unit:
            return await known_of(unit, task_id)

    def _resting(self, known: AssignmentHistory, scope: SearchScope) -> list[Exclusion]:
        """The exclusions that count now, for the task or for the handoff in ``scope``."""
        now = self._ports.clock.now()
        return [
            one
            for one in known.exclusions
            if one.scope in {"", scope.handoff_id}
            and (not one.excluded_until or one.excluded_until > now)
        ]

    def _seats(
        self, call: Call, candidates: Sequence[Candidate], gates: Mapping[str, Gate]
    ) -> Seats:
        """The seats that are taken, and those that are expected to be."""
        names = [one.participant_id for one in candidates]
        used = {name: gates[name].used if name in gates else 0 for name in names}
        return Seats(used, {name: self.expected.of(call.tenant, name) for name in names})

    async def _gates(
        self, call: Call, task: Task, candidates: Sequence[str]
    ) -> tuple[dict[str, Gate], dict[str, str]]:
        """The gates of candidates, and at whom another task bars this one."""
        if not candidates:
            return {}, {}
        async with self._ports.units.reading(call) as unit:
            gates = await unit.find_gates(candidates)
            return gates, await kept_apart_from(unit, task, candidates)


async def known_of(unit: Unit, task_id: str) -> AssignmentHistory:
    """The exclusions of a task, and what humans were asked about it."""
    return AssignmentHistory(await unit.exclusions(task_id), await unit.approvals_of(task_id))
