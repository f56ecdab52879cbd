"""Asks policy whether a task may move to one target: both questions of Algorithm 5."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from assignment_svc.domain.approval import Approval, ApprovalSubject, handoff_subject
from assignment_svc.domain.discovery import Alternative, Evaluation
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.approval_requests import refreshed_approvals
from assignment_svc.usecases.steps.documents import (
    approval_documents,
    gone_document,
    policy_task,
    score_document,
    standing_document,
)
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.shared_questions import SharedQuestions
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict


@dataclass(frozen=True, slots=True)
class TargetCandidate:
    """A possible target: its standing, when that was asked for (monotonic), and its score.

    ``approvals`` are those of the task, as they were read with it. ``source`` is the standing of
    the handoff's source where the same call asked for it; it is asked for where it was not.
    """

    standing: Standing
    asked_at: float
    approvals: tuple[Approval, ...]
    source: Standing | None = None
    score: Score | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetEvaluation:
    """What both questions answered; ``evaluation`` carries the verdict that decides.

    That is the first that is no plain allow, else `handoff.initiate`'s. ``known`` are the approvals
    of exactly this target.
    """

    evaluation: Evaluation
    subject: ApprovalSubject
    known: tuple[Approval, ...]

    @property
    def participant_id(self) -> str:
        """The target."""
        return self.evaluation.standing.participant_id

    @property
    def verdict(self) -> Verdict:
        """The verdict that decides."""
        return self.evaluation.verdict

    @property
    def effect(self) -> Effect:
        """The stricter of both answers."""
        return self.evaluation.verdict.effect


class EvaluateTarget:
    """Asks `task.assign` and `handoff.initiate` about one target of one handoff."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._questions = SharedQuestions(ports.policy, ports.registry)

    async def __call__(
        self, call: Call, task: Task, handoff: Handoff, target: TargetCandidate
    ) -> TargetEvaluation:
        """Evaluate; raises `PolicyEngineUnavailable` and `Unavailable`."""
        subject = handoff_subject(handoff, target.standing.participant_id)
        known = await refreshed_approvals(self._ports, call, target.approvals, subject)
        source = await self._source(call, handoff, target)
        asked_at = self._ports.clock.monotonic()
        # A human's yes to this target of this handoff is a yes to both questions.
        moving: dict[str, Json] = {
            "task": policy_task(task),
            "source": source,
            "target": standing_document(target.standing),
            "reason": handoff.reason,
            "handoff_id": handoff.handoff_id,
            "requested_by": handoff.requested_by,
            "subject_hash": subject.hash,
            "approvals": approval_documents(known),
        }
        assigning: dict[str, Json] = {
            "task": policy_task(task),
            "candidate": standing_document(target.standing),
            "score": score_document(target.score),
            "subject_hash": subject.hash,
            "approvals": _as_assignment(approval_documents(known)),
        }
        verdicts = await asyncio.gather(
            self._questions.verdict(call, DecisionPoint.ASSIGN, assigning),
            self._questions.verdict(call, DecisionPoint.HANDOFF, moving),
        )
        evaluation = Evaluation(
            target.standing,
            strictest(verdicts),
            target.asked_at,
            asked_at,
            target.score,
            target.alternatives,
        )
        return TargetEvaluation(evaluation, subject, tuple(known))

    async def _source(
        self, call: Call, handoff: Handoff, target: TargetCandidate
    ) -> dict[str, Json]:
        if handoff.source_gone and handoff.source == target.standing.participant_id:
            # It came back: what lost the task is gone, and policy hands it to nobody who leaves it.
            return {**gone_document(handoff.source_binding), "id": ""}
        standing = target.source
        if standing is None:
            standing = await self._questions.standing(call, handoff.source)
        if standing is None:
            return gone_document(handoff.source_binding)
        return standing_document(standing)


def _as_assignment(documents: Sequence[Json]) -> list[Json]:
    """Approvals of a handoff's target, as `task.assign` reads them."""
    return [
        {**document, "action": DecisionPoint.ASSIGN.value}
        for document in documents
        if isinstance(document, dict)
    ]


def strictest(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that decides: a denial before a question before a yes; else the last."""
    for effect in (Effect.DENY, Effect.REQUIRE_APPROVAL):
        for verdict in verdicts:
            if verdict.effect is effect:
                return verdict
    return verdicts[-1]
