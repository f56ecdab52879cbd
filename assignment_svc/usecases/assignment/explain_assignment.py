"""Explains who would get a task now and why not the others; changes nothing."""

from dataclasses import dataclass

from assignment_svc.domain.declaration import TaskDeclaration, submission
from assignment_svc.domain.discovery import Alternative
from assignment_svc.domain.losses import losses_sentence
from assignment_svc.domain.predicates import CandidateLost
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.alternatives import outscored, rejected_candidate
from assignment_svc.usecases.assignment.candidates import CandidateSearch
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.verdict import Effect, Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole table; ``participant_id`` is empty where nobody is eligible."""

    participant_id: str
    explanation: str
    alternatives: tuple[Alternative, ...]
    score: Score | None = None
    verdict: Verdict | None = None


class ExplainAssignment:
    """Runs Algorithm 3 up to the bind."""

    def __init__(self, ports: Ports, search: CandidateSearch) -> None:
        self._ports = ports
        self._search = search

    async def __call__(self, call: Call, declared: TaskDeclaration) -> Explanation:
        """Explain a whole task or a known id. Raises `NotFound`, `FieldInvalid`, `TooLarge`."""
        task = await self._task(call, declared)
        result = await self._search.find(call.about(task.correlation_id), task)
        lost = list(result.lost)
        for index, ranked in enumerate(result.ranked):
            evaluation, _ = await self._search.evaluate(call, result, ranked)
            verdict = evaluation.verdict
            if verdict.effect is Effect.DENY:
                loss = CandidateLost("policy_allows", verdict.explanation)
                lost.append(rejected_candidate(ranked, loss, evaluation))
                continue
            others = outscored(result.ranked[index + 1 :], ranked)
            human = verdict.effect is Effect.REQUIRE_APPROVAL
            asked = "A human is asked first: " if human else ""
            return Explanation(
                participant_id=ranked.candidate.participant_id,
                explanation=_with_losses(f"{asked}{verdict.explanation}", task),
                alternatives=(*lost, *others),
                score=ranked.score,
                verdict=verdict,
            )
        return Explanation("", _with_losses("Nobody is eligible now.", task), tuple(lost))

    async def _task(self, call: Call, declared: TaskDeclaration) -> Task:
        if declared.names_only:
            async with self._ports.units.reading(call) as unit:
                return await existing_task(unit, declared.task_id)
        now = self._ports.clock.now()
        return Task(
            spec=submission(declared, self._ports.new_id).spec,
            submitter=call.actor,
            submitter_participant_id=call.principal.participant,
            correlation_id=call.correlation_id,
            submitted_at=now,
            updated_at=now,
        )


def _with_losses(explanation: str, task: Task) -> str:
    """``explanation``, and whom the task has lost so far."""
    return f"{explanation} {losses_sentence(task)}".strip()
