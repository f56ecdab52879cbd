"""What the tools of the runtime's MCP server answer; each type is the tool's output schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict

from phoenix_dma.briefing import TaskInfo
from phoenix_dma.v1 import approval_pb2, assignment_pb2, common_pb2, state_pb2
from phoenix_dma.wire.conversions import json_of, message_to_dict, short


class Answer(BaseModel):
    """What a tool answers, or a part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskAnswer(Answer):
    """A task: who holds it, what became of it, and which human it waits for."""

    task_id: str
    objective: str
    status: str
    ended: bool
    participant: str
    epoch: int
    attempt: int
    correlation_id: str
    reason: str
    why: str
    waits_for_approval: str
    result: dict[str, Any] | None


class TasksAnswer(Answer):
    """The newest tasks, newest first."""

    tasks: list[TaskAnswer]


class ScoreTerm(Answer):
    """One term of a score, and why it has its value."""

    name: str
    value: float
    weight: float
    because: str


class AlternativeAnswer(Answer):
    """Somebody who would not get the task, the condition that failed, and why."""

    participant: str
    failed: str
    because: str
    score: float | None


class ExplanationAnswer(Answer):
    """Who would get a task now; ``participant`` is empty where nobody is eligible."""

    participant: str
    explanation: str
    score: float | None
    terms: list[ScoreTerm]
    alternatives: list[AlternativeAnswer]


class CheckpointAnswer(Answer):
    """The newest context of a task; version 0 is the submitted input.

    ``reference`` is where the content lives, if it was recorded by reference: it is never fetched.
    """

    task_id: str
    context_ref: str
    version: int
    hash: str
    recorded_by: str
    epoch: int
    context: dict[str, Any] | None
    reference: dict[str, Any] | None


class ApprovalAnswer(Answer):
    """A question to a human; ``subject`` is exactly what is approved, ``subject_hash`` its hash."""

    approval_id: str
    status: str
    action: str
    task_id: str
    requested_by: str
    approvers: list[str]
    barred: list[str]
    subject: dict[str, Any]
    subject_hash: str
    decided_by: str
    comment: str


class ApprovalsAnswer(Answer):
    """Approvals, newest first."""

    approvals: list[ApprovalAnswer]


def task_answer(task: TaskInfo) -> TaskAnswer:
    """From what the SDK knows of a task."""
    message = task.message
    return TaskAnswer(
        task_id=task.id,
        objective=message.objective,
        status=task.status,
        ended=task.ended,
        participant=task.participant,
        epoch=task.epoch,
        attempt=task.attempt,
        correlation_id=task.correlation_id,
        reason=task.reason,
        why=task.why,
        waits_for_approval=message.parked.approval_id if message.HasField("parked") else "",
        result=task.result,
    )


def explanation_answer(found: assignment_pb2.ExplainAssignmentResponse) -> ExplanationAnswer:
    """From the message."""
    return ExplanationAnswer(
        participant=found.participant_id,
        explanation=found.explanation,
        score=found.score.total if found.participant_id else None,
        terms=[
            ScoreTerm(name=one.name, value=one.value, weight=one.weight, because=one.because)
            for one in found.score.terms
        ],
        alternatives=[
            AlternativeAnswer(
                participant=one.participant_id,
                failed=one.failed,
                because=one.because,
                score=one.score.total if one.HasField("score") else None,
            )
            for one in found.alternatives
        ],
    )


def checkpoint_answer(
    task_id: str, found: state_pb2.GetContextResponse, kinds: Iterable[str]
) -> CheckpointAnswer:
    """From the message; of the content only ``kinds``, all of it where there are none."""
    pointer: common_pb2.ContextPointer = found.checkpoint
    elsewhere = found.HasField("reference")
    content = json_of(found.context)
    wanted = set(kinds) or set(content)
    return CheckpointAnswer(
        task_id=task_id,
        context_ref=pointer.context_ref,
        version=pointer.version,
        hash=pointer.hash,
        recorded_by=pointer.participant_id,
        epoch=pointer.epoch,
        context=None if elsewhere else {n: content[n] for n in content if n in wanted},
        reference=message_to_dict(found.reference) if elsewhere else None,
    )


def approval_answer(one: approval_pb2.Approval) -> ApprovalAnswer:
    """From the message."""
    return ApprovalAnswer(
        approval_id=one.approval_id,
        status=short(approval_pb2.ApprovalStatus, one.status),
        action=one.action,
        task_id=one.task_id,
        requested_by=one.requested_by,
        approvers=list(one.approvers),
        barred=list(one.barred),
        subject=json_of(one.subject),
        subject_hash=one.subject_hash,
        decided_by=one.decided_by,
        comment=one.comment,
    )
