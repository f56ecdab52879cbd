"""Records a human's decision, once, about exactly the content that the human saw (I13)."""

from typing import NoReturn

from governance_svc.domain.approvals.approval import (
    Approval,
    Decision,
    barred_because,
    same_descent,
)
from governance_svc.domain.approvals.events import ended_event
from governance_svc.domain.ports import Units
from governance_svc.usecases.approvals.request_approval import ApprovalResult
from governance_svc.usecases.policy.denial_log import DenialLog
from governance_svc.usecases.trust.assess_trust import AssessTrust
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import (
    FieldInvalid,
    NotFound,
    NotPermitted,
    Violation,
)
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.ports import AccessLog, Attempt, Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

TRIED = "approval.decide"

_SOMEBODY_ELSE = "Have somebody decide who is not involved in the task."
_OF_OTHER_DESCENT = (
    "Have a person decide whom neither who asked, nor who worked on the task, nor their owner has "
    "enrolled. An agent that ran with an operator's profile needs one of its own: "
    "`phoenix-dma run`, or `phoenix-dma enrol participant`."
)


class DecideApproval:
    """Checks the approval, asks policy, and checks the approval again under the row's lock."""

    def __init__(
        self,
        units: Units,
        policy: Policy,
        judges: tuple[DenialLog, AccessLog, AssessTrust],
        clock: Clock,
    ) -> None:
        """``judges`` audit who may not, and know with which credentials owners take part."""
        self._units = units
        self._policy = policy
        self._denials, self._access, self._trust = judges
        self._clock = clock

    async def __call__(self, call: Call, decision: Decision) -> ApprovalResult:
        """The decided approval.

        Raises `NotFound`, `FieldInvalid`, `IllegalTransition` where it has ended already,
        `ContextHashMismatch` where another content was seen, `PolicyDenied`, `NotPermitted`,
        `PolicyEngineUnavailable`.
        """
        async with self._units.reading(call) as unit:
            about = await unit.find_approval(decision.approval_id)
        _check_comment(decision.comment)
        approval = _found(about, decision)
        approval.check_decidable(decision, self._clock.now())
        call = call.about(approval.correlation_id)
        verdict = await self._allowed(call, approval, decision)
        async with self._units(call) as unit:
            # Read again under the lock: it may have been decided while policy was asked.
            approval = _found(await unit.lock_approval(decision.approval_id), decision)
            decided = approval.decided(
                decision,
                by=call.principal,
                policy_decision_id=verdict.decision_id,
                at=self._clock.now(),
            )
            await unit.end_approval(decided)
            receipt = await unit.audit(ended_event(decided, verdict))
            result = ApprovalResult(decided, receipt)
            await unit.remember(result)
        return result

    async def attempted(self, call: Call, approval_id: str) -> Attempt:
        """What a call tries that is no reviewer's: with the task, where there is such an approval.

        Whoever tries to decide belongs in the audit, with the approval that it was about.
        """
        async with self._units.reading(call) as unit:
            about = await unit.find_approval(approval_id)
        facts: JsonObject = {"approval_id": approval_id}
        if about is None:
            return Attempt(call, TRIED, facts)
        facts = {**facts, "task_id": about.task_id}
        return Attempt(call.about(about.correlation_id), TRIED, facts)

    async def _allowed(self, call: Call, approval: Approval, decision: Decision) -> Verdict:
        """Policy's verdict, where it allows and nothing bars the decider whatever policy says."""
        (verdict,) = await self._policy.evaluate(
            call, DecisionPoint.DECIDE_APPROVAL, [_policy_input(approval, decision)]
        )
        task = approval.task_id
        if not verdict.allowed:
            raise await self._denials.denied(call, verdict, task=task, about=approval.aggregate)
        owners = await self._trust.credentials(call, approval.barred_owners)
        descended = same_descent(approval, call.principal, tuple(owners.values()))
        if descended:
            await self._refuse(call, approval, descended, ReasonCode.SAME_DESCENT)
        because = barred_because(approval, call.principal)
        if because:
            await self._refuse(call, approval, because, ReasonCode.CREDENTIAL_MISUSED)
        return verdict

    async def _refuse(
        self, call: Call, approval: Approval, because: str, reason: ReasonCode
    ) -> NoReturn:
        """Audit the refusal and raise it."""
        facts = {
            "approval_id": approval.approval_id,
            "task_id": approval.task_id,
            "because": because,
        }
        await self._access.refused(call, TRIED, facts, reason)
        text = f"This approval is not yours to decide: {because}"
        descended = reason is ReasonCode.SAME_DESCENT
        raise NotPermitted(text, facts, remedy=_OF_OTHER_DESCENT if descended else _SOMEBODY_ELSE)


def _found(approval: Approval | None, decision: Decision) -> Approval:
    if approval is None:
        raise NotFound("approval", decision.approval_id)
    return approval


def _check_comment(comment: str) -> None:
    if not comment.strip():
        raise FieldInvalid([Violation("comment", "say why; it is kept in the audit")])


def _policy_input(approval: Approval, decision: Decision) -> JsonObject:
    """The input of approval.decide."""
    proposed_by = [approval.proposed_by] if approval.proposed_by else []
    return {
        "approval": {
            "approval_id": approval.approval_id,
            "task_id": approval.task_id,
            "action": approval.action,
            "subject": approval.subject,
            "subject_hash": approval.subject_hash,
            "proposed_by": approval.proposed_by,
            "status": approval.status.value,
            "approvers": list(approval.approvers),
            "barred": [*approval.barred, *proposed_by],
            "barred_owners": list(approval.barred_owners),
        },
        "decision": decision.verb.value,
        "comment": decision.comment,
    }
