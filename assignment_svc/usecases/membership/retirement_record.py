"""Records the steps of a retirement, which is an aggregate of its own in the audit."""

from assignment_svc.domain.retirement import Retirement
from assignment_svc.domain.states import RetirementStatus
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import Verdict


async def record_retirement(
    transaction: TaskTransaction,
    retirements: tuple[Retirement | None, Retirement],
    kind: AuditEventType,
    detail: JsonObject,
    verdict: Verdict | None = None,
) -> tuple[Retirement, Receipt]:
    """Write the event of a step; answers the retirement as it has to be saved, and the receipt.

    ``retirements`` are before and after; a new one has no before.
    """
    before, after = retirements
    receipt = await transaction.unit.audit(
        AuditDraft(
            type=kind,
            aggregate=after.aggregate,
            aggregate_version=after.version + 1,
            last=after.status is RetirementStatus.FINISHED,
            participant=after.participant_id,
            reason_code=ReasonCode.PARTICIPANT_RETIREMENT,
            previous_state=before.status.value if before is not None else "",
            new_state=after.status.value,
            verdict=verdict,
            correlation_id=after.correlation_id,
            detail=detail,
        )
    )
    return after.recorded(receipt.audit_event_id), receipt
