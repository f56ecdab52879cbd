"""Assigns a task: discover, score, ask policy best first, bind in one commit (Algorithm 3)."""

from dataclasses import dataclass

from assignment_svc.domain.approval import ApprovalSubject
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.predicates import CandidateLost, StaleRead, TooSlow
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import step
from assignment_svc.usecases.assignment.alternatives import nobody, outscored, rejected_candidate
from assignment_svc.usecases.assignment.assigned import Assigned, standing_answer
from assignment_svc.usecases.assignment.bind import BindRequest, BindTask
from assignment_svc.usecases.assignment.candidates import (
    AssignmentHistory,
    CandidateSearch,
    known_of,
)
from assignment_svc.usecases.assignment.park import ParkAssignment, ParkRequest
from assignment_svc.usecases.steps.denials import Denials
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What can become of an evaluated candidate: it is bound, a human is asked, or it is denied."""

    bind: BindTask
    park: ParkAssignment
    denials: Denials


class AssignTask:
    """Finds an assignee for a task that waits: the best candidate that policy allows."""

    def __init__(self, ports: Ports, search: CandidateSearch, outcomes: Outcomes) -> None:
        self._ports = ports
        self._search = search
        self._outcomes = outcomes

    async def __call__(
        self, call: Call, task_id: str, read: tuple[Task, AssignmentHistory] | None = None
    ) -> Assigned:
        """Assign a known task; one that is bound, or waits for a human, answers as it stands.

        ``read`` is the task as the caller has just read it, where it has.
        Raises `NotFound`, `IllegalTransition`, `NoEligibleParticipant` (the task stays PENDING),
        `PolicyEngineUnavailable` and `Unavailable`.
        """
        for _ in range(self._ports.rules.rounds):
            task, known = read or await self.read(call, task_id)
            read = None
            answer = standing_answer(task)
            if answer is not None:
                return answer
            step(task, TaskVerb.ASSIGN, Actor.ENGINE)
            try:
                return await self._try(call.about(task.correlation_id), task, known)
            except StaleRead:
                continue
        raise TooSlow

    async def read(self, call: Call, task_id: str) -> tuple[Task, AssignmentHistory]:
        """The task and what decides who is asked, unlocked; raises `NotFound`."""
        async with self._ports.units.reading(call) as unit:
            return await existing_task(unit, task_id), await known_of(unit, task_id)

    async def _try(self, call: Call, task: Task, known: AssignmentHistory) -> Assigned:
        """One round: the first candidate whom policy allows and whose gate takes it."""
        result = await self._search.find(call, task, known)
        lost = list(result.lost)
        for index, ranked in enumerate(result.ranked):
            others = outscored(result.ranked[index + 1 :], ranked)
            evaluation, subject = await self._search.evaluate(call, result, ranked)
            try:
                bind = BindRequest(task, evaluation, (*lost, *others))
                return await self._settle(call, bind, subject)
            except CandidateLost as loss:
                lost.append(rejected_candidate(ranked, loss, evaluation))
        await self._outcomes.denials.nobody(call, task, lost)
        raise nobody(task, lost)

    async def _settle(self, call: Call, bind: BindRequest, subject: ApprovalSubject) -> Assigned:
        """Bind, park, or have the candidate lose; raises `CandidateLost` and `StaleRead`."""
        verdict = bind.evaluation.verdict
        if verdict.effect is Effect.ALLOW:
            return await self._outcomes.bind(call, bind)
        if verdict.effect is Effect.REQUIRE_APPROVAL:
            return await self._outcomes.park(call, ParkRequest(bind, subject))
        await self._outcomes.denials.denied(call, bind.task, bind.evaluation)
        raise CandidateLost("policy_allows", verdict.explanation or "policy denies it")
