"""A human says yes or no, once, to exactly what they saw (I13)."""

from dataclasses import dataclass, replace

from governance_svc.domain.approvals.approval import Approval, bars
from governance_svc.domain.approvals.events import approval_event
from governance_svc.domain.lifecycle import APPROVALS, ApprovalStatus
from governance_svc.domain.ports import ApprovalReader, Units
from governance_svc.usecases.approvals.request_approval import Asked
from governance_svc.usecases.policy.denial_log import Refusals
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import (
    ContextHashMismatch,
    FieldInvalid,
    NotFound,
    NotPermitted,
    Violation,
)
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.ports import AccessLog, Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

LONGEST_COMMENT = 4096


@dataclass(frozen=True, slots=True)
class Decision:
    """What the human says. An empty ``subject_hash`` trusts the id: its subject never changes."""

    approval_id: str
    approve: bool
    comment: str
    subject_hash: str = ""

    @property
    def verb(self) -> str:
        """The step of the lifecycle."""
        return "approve" if self.approve else "reject"


@dataclass(frozen=True, slots=True)
class DecisionPorts:
    """What deciding needs."""

    units: Units
    approvals: ApprovalReader
    policy: Policy
    refusals: Refusals
    access: AccessLog
    clock: Clock


class DecideApproval:
    """Checks what is plain, asks policy, and checks again under the row's lock."""

    def __init__(self, ports: DecisionPorts) -> None:
        self._ports = ports

    async def __call__(self, call: Call, decision: Decision) -> Asked:
        """The decided approval.

        Raises `NotFound`, `FieldInvalid`, `IllegalTransition` where it is decided already,
        `ContextHashMismatch` where another content was seen, `PolicyDenied`, `NotPermitted`,
        `PolicyEngineUnavailable`.
        """
        _check_comment(decision.comment)
        found = await self._ports.approvals.read(call.tenant, decision.approval_id)
        approval = self._decidable(found, decision)
        call = call.about(approval.question.correlation_id)
        verdict = await self._allowed(call, approval, decision)
        async with self._ports.units(call) as unit:
            # Read again under the lock: somebody else may have decided while policy was asked.
            approval = self._decidable(await unit.approval(decision.approval_id), decision)
            decided = self._decided(approval, call, decision, verdict)
            await unit.end_approval(decided)
            receipt = await unit.audit(approval_event(decided, approval.status, verdict))
            answer = Asked(decided, receipt)
            await unit.remember(answer)
        return answer

    def _decidable(self, approval: Approval | None, decision: Decision) -> Approval:
        """The approval, where it still waits for a decision about what the human saw."""
        if approval is None:
            raise NotFound("approval", decision.approval_id)
        status = approval.status
        if status is ApprovalStatus.PENDING and self._ports.clock.now() >= approval.expire_time:
            status = ApprovalStatus.EXPIRED  # its worker is only late
        APPROVALS.apply(status, decision.verb, "human")
        seen, shown = decision.subject_hash, approval.question.subject_hash
        if seen and seen != shown:
            raise ContextHashMismatch(expected=shown, received=seen)
        return approval

    async def _allowed(self, call: Call, approval: Approval, decision: Decision) -> Verdict:
        """Policy's yes, and that nothing bars the decider whatever policy says."""
        question = _question(approval, decision)
        (verdict,) = await self._ports.policy.evaluate(
            call, DecisionPoint.DECIDE_APPROVAL, [question]
        )
        task = approval.question.task_id
        if not verdict.allowed:
            raise await self._ports.refusals.denied(
                call, verdict, task=task, about=approval.aggregate
            )
        why = bars(approval, call.principal)
        if why:
            facts = {"approval_id": approval.approval_id, "task_id": task, "because": why}
            await self._ports.access.refused(call, "approval.decide", facts)
            raise NotPermitted(f"This approval is not yours to decide: {why}", facts)
        return verdict

    def _decided(
        self, approval: Approval, call: Call, decision: Decision, verdict: Verdict
    ) -> Approval:
        return replace(
            approval,
            status=APPROVALS.apply(approval.status, decision.verb, "human"),
            version=approval.version + 1,
            decided_by=call.principal.participant,
            comment=decision.comment,
            deciding_policy_decision_id=verdict.decision_id,
            decide_time=self._ports.clock.now(),
        )


def _check_comment(comment: str) -> None:
    if not comment.strip():
        raise FieldInvalid([Violation("comment", "say why; it is kept in the audit")])
    if len(comment) > LONGEST_COMMENT:
        raise FieldInvalid([Violation("comment", f"at most {LONGEST_COMMENT} characters")])


def _question(approval: Approval, decision: Decision) -> JsonObject:
    """The input of approval.decide."""
    question = approval.question
    return {
        "approval": {
            "approval_id": approval.approval_id,
            "task_id": question.task_id,
            "action": question.action,
            "subject_hash": question.subject_hash,
            "status": approval.status.value,
            "approvers": list(question.approvers),
            "barred": [*question.barred, *([question.proposed_by] if question.proposed_by else [])],
            "barred_owners": list(question.barred_owners),
        },
        "decision": decision.verb,
        "comment": decision.comment,
    }
