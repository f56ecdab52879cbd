"""Facts about a task as plain values: obligations, decisions, checkpoints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from phoenix_dma.v1 import assignment_pb2, common_pb2
from phoenix_dma.wire.conversions import json_of, short


@dataclass(frozen=True, slots=True)
class Obligation:
    """A condition that policy attaches to a permission.

    ``due`` is before_complete or always: what is due always holds until the task ends. ``met_by``
    says what meets the others: decision (`fulfil` it) or approval (`authorize` ``action``, or what
    the runtime itself asks). ``evidence`` is what did: a context's address, an approval's id. In
    a handler's task, ``fulfilled`` and ``evidence`` are as of the beginning of the attempt.
    """

    id: str
    text: str
    due: str
    fulfilled: bool = False
    met_by: str = ""
    action: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class HumanDecision:
    """What a human decided about the task; ``outcome`` is approved, rejected, expired, …."""

    approval_id: str
    action: str
    subject_hash: str
    outcome: str
    decided_by: str
    comment: str
    authorization_id: str


@dataclass(frozen=True, slots=True)
class Authorization:
    """Permission to act; ``id`` is the action's idempotency key, the same for the same subject."""

    id: str
    subject_hash: str
    decision_id: str
    approval_id: str
    obligations: tuple[Obligation, ...]


@dataclass(frozen=True, slots=True)
class EffectInfo:
    """An effect outside the runtime; ``id`` is its idempotency key.

    ``status`` is begun, unknown, done or not_done. ``begun`` counts how often it began,
    ``participant`` is who began it last, ``why`` what was said when its outcome was recorded.
    ``idempotent``: what is called does nothing twice under one key.
    """

    id: str
    kind: str
    name: str
    domain: str
    subject_hash: str
    status: str
    idempotent: bool
    begun: int
    participant: str
    approval_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A recorded context: its address, its version from 1, the hash of its canonical form."""

    context_ref: str
    version: int
    hash: str
    size_bytes: int
    audit_event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """A task as assignment_svc has it; ``status`` in its short form, such as ``active``.

    ``losses`` counts the owners that died or fell silent while they worked on it, ``lost_owners``
    are their ids, each once. ``why`` is what was said when it failed, was declined, cancelled or
    timed out, the newest: of a handler that raised, the exception. ``message`` is the message of
    the contract, complete.
    """

    id: str
    status: str
    participant: str
    epoch: int
    attempt: int
    correlation_id: str
    reason: str
    result: dict[str, Any] | None
    message: assignment_pb2.Task
    losses: int = 0
    lost_owners: tuple[str, ...] = ()
    why: str = ""

    @property
    def ended(self) -> bool:
        """True once nothing will change any more."""
        return self.status in {"succeeded", "failed", "cancelled"}


def task_info(task: assignment_pb2.Task) -> TaskInfo:
    """From the message."""
    return TaskInfo(
        id=task.task_id,
        status=short(assignment_pb2.TaskStatus, task.status),
        participant=task.assignment.participant_id,
        epoch=task.epoch,
        attempt=task.attempt,
        correlation_id=task.correlation_id,
        reason=task.reason,
        result=json_of(task.result) if task.HasField("result") else None,
        message=task,
        losses=task.losses,
        lost_owners=tuple(task.lost_owners),
        why=task.why,
    )


def obligations_of(obligations: Iterable[common_pb2.Obligation]) -> tuple[Obligation, ...]:
    """From the messages."""
    return tuple(
        Obligation(
            id=o.id,
            text=o.text,
            due=o.due,
            fulfilled=o.fulfilled,
            met_by=o.met_by,
            action=o.action,
            evidence=o.evidence,
        )
        for o in obligations
    )


def decisions_of(uses: Iterable[assignment_pb2.ApprovalUse]) -> tuple[HumanDecision, ...]:
    """From the messages."""
    return tuple(
        HumanDecision(
            approval_id=use.approval_id,
            action=use.action,
            subject_hash=use.subject_hash,
            outcome=use.outcome,
            decided_by=use.decided_by,
            comment=use.comment,
            authorization_id=use.authorization_id,
        )
        for use in uses
    )


def effect_info(effect: assignment_pb2.Effect) -> EffectInfo:
    """From the message."""
    return EffectInfo(
        id=effect.authorization_id,
        kind=short(assignment_pb2.ActionKind, effect.kind),
        name=effect.name,
        domain=effect.domain,
        subject_hash=effect.subject_hash,
        status=short(assignment_pb2.EffectStatus, effect.status),
        idempotent=effect.idempotent,
        begun=effect.begun,
        participant=effect.participant_id,
        approval_id=effect.approval_id,
        why=effect.why,
    )


def checkpoint_of(pointer: common_pb2.ContextPointer, audit_event_id: str = "") -> Checkpoint:
    """From the message."""
    return Checkpoint(
        context_ref=pointer.context_ref,
        version=pointer.version,
        hash=pointer.hash,
        size_bytes=pointer.size_bytes,
        audit_event_id=audit_event_id,
    )
