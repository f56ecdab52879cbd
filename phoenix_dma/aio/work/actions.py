"""What a task asks leave for, and does outside, under its epoch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import uuid4

from google.protobuf import struct_pb2

from phoenix_dma.aio.work.held_calls import held_call, while_held
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.aio.work.task_lease import TaskLease
from phoenix_dma.briefing import Authorization, Obligation, obligations_of
from phoenix_dma.errors import (
    ApprovalRejected,
    ApprovalRequired,
    EffectUnknown,
    PolicyDenied,
)
from phoenix_dma.v1 import approval_pb2, assignment_pb2, common_pb2, effect_pb2
from phoenix_dma.wire.conversions import number, short, struct_of

Answer = TypeVar("Answer")

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done; ``subject`` is its content, absent where there is none."""

    kind: str
    name: str
    domain: str = ""
    subject: struct_pb2.Struct | None = None


def action_of(kind: str, name: str, domain: str, subject: Any) -> Action:
    """An action as a handler names it; raises `NotJson` for a subject that has no form in JSON."""
    content = struct_of(subject, "subject") if subject is not None else None
    return Action(kind, name, domain, content)


class TaskActions:
    """Asks for a task, and waits for the humans that policy wants to be asked."""

    def __init__(
        self, task: assignment_pb2.Task, session: ParticipantSession, lease: TaskLease
    ) -> None:
        self.task_id = task.task_id
        self.epoch = task.assignment.epoch
        self.obligations = obligations_of(task.obligations)
        self._session = session
        self._lease = lease

    async def authorize(self, action: Action, *, wait: bool) -> Authorization:
        """Ask to act; see `AsyncTask.authorize`."""
        request = assignment_pb2.AuthorizeActionRequest(**self._named(action))
        method = self._session.stubs.assignment.AuthorizeAction

        async def ask() -> assignment_pb2.AuthorizeActionResponse:
            request.request_id = ""  # each question is a new one: a human may have decided since
            answer: assignment_pb2.AuthorizeActionResponse = await held_call(
                self._session, self._lease, method, request
            )
            return answer

        answer = await self._allowed(ask, wait=wait)
        return Authorization(
            id=answer.authorization_id,
            subject_hash=answer.subject_hash,
            decision_id=answer.verdict.decision_id,
            approval_id=answer.approval_id,
            obligations=self._owed(answer.obligations),
        )

    async def begin(
        self, action: Action, *, idempotent: bool, can_look: bool
    ) -> effect_pb2.BeginEffectResponse:
        """Ask to do something outside, and have it recorded that it begins.

        Who can look is answered an effect of unknown outcome as it is; for others, raises
        `EffectUnknown` where policy does not let it be repeated.
        """
        request = effect_pb2.BeginEffectRequest(
            **self._named(action), idempotent=idempotent, can_look=can_look
        )
        method = self._session.stubs.effects.BeginEffect

        async def ask() -> effect_pb2.BeginEffectResponse:
            # One id for all tries of one question: that its answer was lost begins nothing twice.
            request.request_id = f"effect.{uuid4().hex}"
            answer: effect_pb2.BeginEffectResponse = await while_held(
                self._lease, self.task_id, lambda: self._session.ask(method, request)
            )
            return answer

        answer = await self._allowed(ask, wait=True)
        self._owed(answer.obligations)
        return answer

    async def record(
        self, request: effect_pb2.RecordEffectRequest
    ) -> effect_pb2.RecordEffectResponse:
        """Record what came of an effect, until the runtime takes it or the task is lost."""
        request.task_id, request.epoch = self.task_id, self.epoch
        request.request_id = ""
        method = self._session.stubs.effects.RecordEffect
        answer: effect_pb2.RecordEffectResponse = await while_held(
            self._lease, self.task_id, lambda: self._session.ask(method, request)
        )
        return answer

    async def _allowed(self, ask: Callable[[], Awaitable[Answer]], *, wait: bool) -> Answer:
        """What ``ask`` answers once policy allows it, and a human where policy wants one."""
        approval_id = ""
        while True:
            try:
                return await ask()
            except ApprovalRequired as required:
                if not wait:
                    raise
                approval_id = required.approval_id
                await self._session.decisions.wait(approval_id)
            except PolicyDenied as denied:
                raise await self._explained(denied, approval_id) from denied

    def _named(self, action: Action) -> dict[str, Any]:
        """What every question about an action says."""
        return {
            "task_id": self.task_id,
            "epoch": self.epoch,
            "kind": number(assignment_pb2.ActionKind, action.kind),
            "name": action.name,
            "domain": action.domain,
            "subject": action.subject,
        }

    def _owed(self, obligations: Any) -> tuple[Obligation, ...]:
        """What policy asks in return, which the task owes from now on."""
        asked: tuple[Obligation, ...] = obligations_of(obligations)
        known = {one.id for one in self.obligations}
        self.obligations += tuple(one for one in asked if one.id not in known)
        return asked

    async def _explained(self, denied: PolicyDenied, approval_id: str) -> PolicyDenied:
        """`ApprovalRejected` where a human refused, `EffectUnknown`, or ``denied`` itself."""
        approval_id = approval_id or denied.facts.get("approval_id", "")
        refused = await self._rejected(denied, approval_id) if approval_id else None
        if refused is not None:
            return refused
        if denied.facts.get("effect_status") == UNKNOWN:
            return EffectUnknown(denied.text, denied.facts, remedy=denied.remedy)
        return denied

    async def _rejected(self, denied: PolicyDenied, approval_id: str) -> ApprovalRejected | None:
        request = approval_pb2.GetApprovalRequest(approval_id=approval_id)
        answer = await self._session.ask(self._session.stubs.approvals.GetApproval, request)
        found = answer.approval
        if found.status == approval_pb2.APPROVAL_STATUS_APPROVED:
            return None
        outcome = short(approval_pb2.ApprovalStatus, found.status)
        facts = {**denied.facts, "approval_id": approval_id, "outcome": outcome}
        rejected = ApprovalRejected(f"{found.action} was {outcome}: {found.comment}", facts)
        rejected.comment, rejected.decided_by = found.comment, found.decided_by
        return rejected


def open_obligations(obligations: Iterable[common_pb2.Obligation]) -> list[str]:
    """The ids of the open obligations, which a new owner has to accept."""
    return [obligation.id for obligation in obligations if not obligation.fulfilled]
