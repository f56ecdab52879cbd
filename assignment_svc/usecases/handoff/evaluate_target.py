"""May this task move to that target? Both questions of Algorithm 5, with what humans decided."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from assignment_svc.domain.approval import HANDOFF as HANDOFF_ACTION
from assignment_svc.domain.approval import Approval, handoff_subject, subject_hash
from assignment_svc.domain.discovery import Alternative, Evaluation
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.approval_requests import ApprovalSubject, about
from assignment_svc.usecases.steps.documents import (
    approval_documents,
    gone_document,
    policy_task,
    score_document,
    standing_document,
)
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict


@dataclass(frozen=True, slots=True)
class Seen:
    """A target as it was found: its standing, when that was asked (monotonic), and its score.

    ``approvals`` are those of the task, as they were read with it. ``source`` is the standing of
    the handoff's source where that was asked in the same breath; it is asked for where it was not.
    """

    standing: Standing
    asked_at: float
    approvals: tuple[Approval, ...]
    source: Standing | None = None
    score: Score | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetEvaluation:
    """What both questions answered. ``evaluation`` carries the verdict that decided.

    That is the first that is no plain allow, else `handoff.initiate`'s.
    """

    evaluation: Evaluation
    subject: ApprovalSubject
    known: tuple[Approval, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict that decided."""
        return self.evaluation.verdict

    @property
    def effect(self) -> Effect:
        """The stricter of both answers."""
        return self.evaluation.verdict.effect


class EvaluateTarget:
    """Asks `task.assign` and `handoff.initiate` about one target of one handoff."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, task: Task, handoff: Handoff, seen: Seen
    ) -> TargetEvaluation:
        """Judge; raises `PolicyEngineUnavailable`, `Unavailable`."""
        subject = handoff_approval(task, handoff, seen.standing.participant_id)
        known = await about(self._ports, call, seen.approvals, subject)
        moving = await self._handoff(call, task, handoff, seen, known)
        asked_at = self._ports.clock.monotonic()
        verdicts = await asyncio.gather(
            self._ask(call, DecisionPoint.ASSIGN, self._assign(task, seen, subject, known)),
            self._ask(call, DecisionPoint.HANDOFF, moving),
        )
        evaluation = Evaluation(
            seen.standing,
            strictest(verdicts),
            seen.asked_at,
            asked_at,
            seen.score,
            seen.alternatives,
        )
        return TargetEvaluation(evaluation, subject, tuple(known))

    async def _ask(self, call: Call, point: DecisionPoint, question: dict[str, Json]) -> Verdict:
        (verdict,) = await self._ports.policy.evaluate(call, point, [question])
        return verdict

    def _assign(
        self, task: Task, seen: Seen, subject: ApprovalSubject, known: Sequence[Approval]
    ) -> dict[str, Json]:
        # A human's yes to this target of this handoff is a yes to both questions.
        approvals = [
            {**document, "action": DecisionPoint.ASSIGN.value}
            for document in approval_documents(known)
            if isinstance(document, dict)
        ]
        return {
            "task": policy_task(task),
            "candidate": standing_document(seen.standing),
            "score": score_document(seen.score),
            "subject_hash": subject.hash,
            "approvals": approvals,
        }

    async def _handoff(
        self, call: Call, task: Task, handoff: Handoff, seen: Seen, known: Sequence[Approval]
    ) -> dict[str, Json]:
        subject = handoff_approval(task, handoff, seen.standing.participant_id)
        return {
            "task": policy_task(task),
            "source": await self._source(call, handoff, seen),
            "target": standing_document(seen.standing),
            "reason": handoff.reason,
            "subject_hash": subject.hash,
            "approvals": approval_documents(known),
        }

    async def _source(self, call: Call, handoff: Handoff, seen: Seen) -> dict[str, Json]:
        standing = seen.source
        if standing is None:
            found = await self._ports.registry.standings(call, [handoff.source])
            standing = found.get(handoff.source)
        if standing is None:
            return gone_document(handoff.source_binding)
        return standing_document(standing)


def handoff_approval(task: Task, handoff: Handoff, target: str) -> ApprovalSubject:
    """What a human is asked about one target; it dies with the handoff."""
    subject = handoff_subject(handoff.handoff_id, task.task_id, handoff.source, target)
    return ApprovalSubject(
        HANDOFF_ACTION,
        subject,
        subject_hash(subject),
        target=target,
        handoff_id=handoff.handoff_id,
    )


def strictest(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that decides: a denial before a question before a yes; else the last."""
    for effect in (Effect.DENY, Effect.REQUIRE_APPROVAL):
        for verdict in verdicts:
            if verdict.effect is effect:
                return verdict
    return verdicts[-1]
