"""Cases of governance: what humans are asked and say, who vouches for whom."""

from __future__ import annotations

from typing import Any

from phoenix_dma.errors import ApprovalRequired
from phoenix_dma.v1 import approval_pb2, assignment_pb2, governance_pb2
from phoenix_dma.wire.conversions import number, struct_of
from phoenix_runtime.chassis.failpoints import DELIVERY_AND_MARK
from tests.e2e.scenarios.humans import human, waiting
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import STEWARD, TASK, Scenario
from tests.robustness.crash_windows.cases_tasks import at_work
from tests.robustness.crash_windows.ends import complete, in_ledger
from tests.robustness.crash_windows.windows import (
    CrashCase,
    Operation,
    Window,
    refused_or,
    request,
    unit,
    verb,
)
from tests.support.waiting.until import until

MERGE = ["human_approval_required_for_merge"]
RESULT = ["human_approval_required"]
DUPLICATES = "duplicate_detection"


async def acting(scenario: Scenario) -> Operation:
    steward, epoch = await at_work(scenario)

    async def finish(_: object) -> None:
        await complete(steward, epoch)

    return _authorizing(steward, epoch, {"ACTION_AUTHORIZED": 1}, finish)


async def asking(scenario: Scenario) -> Operation:
    """The action needs an approval: one is requested, however often the call is repeated."""
    steward, epoch = await at_work(scenario, policy_constraints=MERGE)
    decider = await human(scenario)

    async def finish(refused: ApprovalRequired) -> None:
        question = await waiting(scenario)
        assert question.approval_id == refused.approval_id
        await decider.api.decide(question.approval_id, approve=True, comment="looked at both")
        await steward.directive("approval_decided", TASK)
        await _merge(steward, epoch)
        await complete(steward, epoch)

    operation = _authorizing(
        steward, epoch, {"APPROVAL_REQUESTED": 1}, finish, "final_action", "merge"
    )
    return Operation(
        operation.act,
        lambda: refused_or(operation.again(), ApprovalRequired),
        operation.events,
        finish,
    )


async def deciding(scenario: Scenario) -> Operation:
    steward, epoch = await at_work(scenario, policy_constraints=MERGE)
    decider = await human(scenario)
    await refused_or(_merge(steward, epoch), ApprovalRequired)
    question = await waiting(scenario)
    message = approval_pb2.DecideApprovalRequest(
        approval_id=question.approval_id, approve=True, comment="looked at both"
    )

    async def finish(_: object) -> None:
        await steward.directive("approval_decided", TASK)
        await _merge(steward, epoch)
        await complete(steward, epoch)
        await in_ledger(scenario, "APPROVAL_REQUESTED", "APPROVAL_DECIDED")

    method = decider.api.stubs.approvals.DecideApproval
    events = {"APPROVAL_REQUESTED": 1, "APPROVAL_DECIDED": 1, "ACTION_AUTHORIZED": 1}
    return request(decider.api, method, message, events, finish)


async def parking(scenario: Scenario) -> Operation:
    """A result waits for a human."""
    steward, epoch = await at_work(scenario, policy_constraints=RESULT)
    decider = await human(scenario)
    message = assignment_pb2.CompleteTaskRequest(
        task_id=TASK, epoch=epoch, result=struct_of({"merged": 3})
    )

    async def finish(_: object) -> None:
        question = await waiting(scenario)
        await decider.api.decide(question.approval_id, approve=True, comment="good work")
        assert (await scenario.task_in(TASK, "succeeded")).result == {"merged": 3}

    method = steward.api.stubs.assignment.CompleteTask
    events = {"APPROVAL_REQUESTED": 1, "TASK_PARKED": 1, "TASK_SUCCEEDED": 1}
    return request(steward.api, method, message, events, finish)


async def heeding(scenario: Scenario) -> Operation:
    """A human approves a parked result, and assignment completes the task."""
    steward, epoch = await at_work(scenario, policy_constraints=RESULT)
    decider = await human(scenario)
    await steward.complete(TASK, epoch, {"merged": 3})
    question = await waiting(scenario)
    await scenario.task_in(TASK, "awaiting_approval")
    message = approval_pb2.DecideApprovalRequest(
        approval_id=question.approval_id, approve=True, comment="good work"
    )

    async def finish(_: object) -> None:
        assert (await scenario.task_in(TASK, "succeeded")).result == {"merged": 3}

    method = decider.api.stubs.approvals.DecideApproval
    events = {"APPROVAL_DECIDED": 1, "TASK_SUCCEEDED": 1}
    return request(decider.api, method, message, events, finish)


async def withdrawing(scenario: Scenario) -> Operation:
    """A task is cancelled while an approval is pending: the approval is cancelled too."""
    steward, epoch = await at_work(scenario, policy_constraints=RESULT)
    await human(scenario)
    await steward.complete(TASK, epoch, {"merged": 3})
    question = await waiting(scenario)
    operator = await scenario.operator()
    message = assignment_pb2.CancelTaskRequest(task_id=TASK, reason="not needed")

    async def finish(_: object) -> None:
        async def ended() -> bool:
            found = await operator.get_approval(question.approval_id)
            return bool(found.status == approval_pb2.APPROVAL_STATUS_CANCELLED)

        await until(ended, PATIENCE)

    method = operator.stubs.assignment.CancelTask
    events = {"TASK_CANCELLED": 1, "APPROVAL_CANCELLED": 1}
    return request(operator, method, message, events, finish)


async def certifying(scenario: Scenario) -> Operation:
    await scenario.participant(STEWARD)
    operator = await scenario.operator()
    message = governance_pb2.GrantCertificationRequest(
        participant_id=STEWARD, capability=DUPLICATES, method="human", evidence="an audit"
    )

    async def finish(_: object) -> None:
        await in_ledger(scenario, "CERTIFICATION_GRANTED")

    method = operator.stubs.governance.GrantCertification
    return request(operator, method, message, {"CERTIFICATION_GRANTED": 1}, finish)


async def revoking(scenario: Scenario) -> Operation:
    await scenario.participant(STEWARD)
    operator = await scenario.operator()
    granted = await operator.certify(STEWARD, DUPLICATES, evidence="an audit")
    message = governance_pb2.RevokeCertificationRequest(
        certification_id=granted.certification_id, reason="it moved on"
    )

    async def finish(_: object) -> None:
        await in_ledger(scenario, "CERTIFICATION_REVOKED")

    method = operator.stubs.governance.RevokeCertification
    return request(operator, method, message, {"CERTIFICATION_REVOKED": 1}, finish)


def _authorizing(
    steward: Participant, epoch: int, events: dict[str, int], finish: Any, *what: str
) -> Operation:
    kind, name = what or ("data_read", "read")
    message = assignment_pb2.AuthorizeActionRequest(
        task_id=TASK,
        epoch=epoch,
        kind=number(assignment_pb2.ActionKind, kind),
        name=name,
        subject=struct_of({"n": 1}),
    )
    method = steward.api.stubs.assignment.AuthorizeAction
    return request(steward.api, method, message, events, finish)


async def _merge(steward: Participant, epoch: int) -> object:
    return await steward.authorize(TASK, epoch, "final_action", "merge", subject={"n": 1})


PART, GOVERNANCE = "assignment", "governance"
QUESTIONS = (
    CrashCase("acting", PART, verb("AuthorizeAction"), acting),
    CrashCase("asking", PART, unit("AuthorizeAction"), asking),
    CrashCase("asking", GOVERNANCE, verb("RequestApproval"), asking),
    CrashCase("deciding", GOVERNANCE, verb("DecideApproval"), deciding),
    CrashCase("parking", PART, verb("CompleteTask"), parking),
    CrashCase("heeding", PART, unit(told=False), heeding, late=True),
    CrashCase("withdrawing", GOVERNANCE, verb("CancelApproval", told=False), withdrawing),
    CrashCase("certifying", GOVERNANCE, verb("GrantCertification"), certifying),
    CrashCase("revoking", GOVERNANCE, verb("RevokeCertification"), revoking),
    *(
        CrashCase(
            f"relaying-{to}",
            GOVERNANCE,
            [Window(DELIVERY_AND_MARK, (to,), told=False)],
            deciding,
            late=True,
        )
        for to in ("ledger", "bus")
    ),
)
