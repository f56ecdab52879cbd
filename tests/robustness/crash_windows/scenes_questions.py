"""Scenes of governance: what humans are asked and say, who vouches for whom."""

from __future__ import annotations

from typing import Any

from phoenix_dma.errors import ApprovalRequired
from phoenix_dma.v1 import approval_pb2, assignment_pb2, governance_pb2
from phoenix_dma.wire.conversions import number, struct_of
from phoenix_runtime.chassis.failpoints import DELIVERY_AND_MARK
from tests.e2e.humans import human, waiting
from tests.e2e.participant import Participant
from tests.e2e.stage import STEWARD, TASK, Stage
from tests.robustness.crash_windows.ends import complete, in_ledger
from tests.robustness.crash_windows.scenes_tasks import at_work
from tests.robustness.crash_windows.windows import (
    Deed,
    Scene,
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


async def acting(stage: Stage) -> Deed:
    steward, epoch = await at_work(stage)

    async def finish(_: object) -> None:
        await complete(steward, epoch)

    return _authorizing(steward, epoch, {"ACTION_AUTHORIZED": 1}, finish)


async def asking(stage: Stage) -> Deed:
    """The answer is that a human has to say yes first: one question, however often it is put."""
    steward, epoch = await at_work(stage, policy_constraints=MERGE)
    decider = await human(stage)

    async def finish(refused: ApprovalRequired) -> None:
        question = await waiting(stage)
        assert question.approval_id == refused.approval_id
        await decider.api.decide(question.approval_id, approve=True, comment="looked at both")
        await steward.directive("approval_decided", TASK)
        await _merge(steward, epoch)
        await complete(steward, epoch)

    deed = _authorizing(steward, epoch, {"APPROVAL_REQUESTED": 1}, finish, "final_action", "merge")
    return Deed(deed.act, lambda: refused_or(deed.again(), ApprovalRequired), deed.events, finish)


async def deciding(stage: Stage) -> Deed:
    steward, epoch = await at_work(stage, policy_constraints=MERGE)
    decider = await human(stage)
    await refused_or(_merge(steward, epoch), ApprovalRequired)
    question = await waiting(stage)
    message = approval_pb2.DecideApprovalRequest(
        approval_id=question.approval_id, approve=True, comment="looked at both"
    )

    async def finish(_: object) -> None:
        await steward.directive("approval_decided", TASK)
        await _merge(steward, epoch)
        await complete(steward, epoch)
        await in_ledger(stage, "APPROVAL_REQUESTED", "APPROVAL_DECIDED")

    method = decider.api.stubs.approvals.DecideApproval
    events = {"APPROVAL_REQUESTED": 1, "APPROVAL_DECIDED": 1, "ACTION_AUTHORIZED": 1}
    return request(decider.api, method, message, events, finish)


async def parking(stage: Stage) -> Deed:
    """A result waits for a human."""
    steward, epoch = await at_work(stage, policy_constraints=RESULT)
    decider = await human(stage)
    message = assignment_pb2.CompleteTaskRequest(
        task_id=TASK, epoch=epoch, result=struct_of({"merged": 3})
    )

    async def finish(_: object) -> None:
        question = await waiting(stage)
        await decider.api.decide(question.approval_id, approve=True, comment="good work")
        assert (await stage.task_in(TASK, "succeeded")).result == {"merged": 3}

    method = steward.api.stubs.assignment.CompleteTask
    events = {"APPROVAL_REQUESTED": 1, "TASK_PARKED": 1, "TASK_SUCCEEDED": 1}
    return request(steward.api, method, message, events, finish)


async def heeding(stage: Stage) -> Deed:
    """A human says yes to a parked result, and assignment carries it out."""
    steward, epoch = await at_work(stage, policy_constraints=RESULT)
    decider = await human(stage)
    await steward.complete(TASK, epoch, {"merged": 3})
    question = await waiting(stage)
    await stage.task_in(TASK, "awaiting_approval")
    message = approval_pb2.DecideApprovalRequest(
        approval_id=question.approval_id, approve=True, comment="good work"
    )

    async def finish(_: object) -> None:
        assert (await stage.task_in(TASK, "succeeded")).result == {"merged": 3}

    method = decider.api.stubs.approvals.DecideApproval
    events = {"APPROVAL_DECIDED": 1, "TASK_SUCCEEDED": 1}
    return request(decider.api, method, message, events, finish)


async def withdrawing(stage: Stage) -> Deed:
    """A task is cancelled while a human is asked: the question ends with it."""
    steward, epoch = await at_work(stage, policy_constraints=RESULT)
    await human(stage)
    await steward.complete(TASK, epoch, {"merged": 3})
    question = await waiting(stage)
    operator = await stage.operator()
    message = assignment_pb2.CancelTaskRequest(task_id=TASK, reason="not needed")

    async def finish(_: object) -> None:
        async def ended() -> bool:
            found = await operator.get_approval(question.approval_id)
            return bool(found.status == approval_pb2.APPROVAL_STATUS_CANCELLED)

        await until(ended, 30.0)

    method = operator.stubs.assignment.CancelTask
    events = {"TASK_CANCELLED": 1, "APPROVAL_CANCELLED": 1}
    return request(operator, method, message, events, finish)


async def certifying(stage: Stage) -> Deed:
    await stage.participant(STEWARD)
    operator = await stage.operator()
    message = governance_pb2.GrantCertificationRequest(
        participant_id=STEWARD, capability=DUPLICATES, method="human", evidence="an audit"
    )

    async def finish(_: object) -> None:
        await in_ledger(stage, "CERTIFICATION_GRANTED")

    method = operator.stubs.governance.GrantCertification
    return request(operator, method, message, {"CERTIFICATION_GRANTED": 1}, finish)


async def revoking(stage: Stage) -> Deed:
    await stage.participant(STEWARD)
    operator = await stage.operator()
    granted = await operator.certify(STEWARD, DUPLICATES, evidence="an audit")
    message = governance_pb2.RevokeCertificationRequest(
        certification_id=granted.certification_id, reason="it moved on"
    )

    async def finish(_: object) -> None:
        await in_ledger(stage, "CERTIFICATION_REVOKED")

    method = operator.stubs.governance.RevokeCertification
    return request(operator, method, message, {"CERTIFICATION_REVOKED": 1}, finish)


def _authorizing(
    steward: Participant, epoch: int, events: dict[str, int], finish: Any, *what: str
) -> Deed:
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
    Scene("acting", PART, verb("AuthorizeAction"), acting),
    Scene("asking", PART, unit("AuthorizeAction"), asking),
    Scene("asking", GOVERNANCE, verb("RequestApproval"), asking),
    Scene("deciding", GOVERNANCE, verb("DecideApproval"), deciding),
    Scene("parking", PART, verb("CompleteTask"), parking),
    Scene("heeding", PART, unit(told=False), heeding, late=True),
    Scene("withdrawing", GOVERNANCE, verb("CancelApproval", told=False), withdrawing),
    Scene("certifying", GOVERNANCE, verb("GrantCertification"), certifying),
    Scene("revoking", GOVERNANCE, verb("RevokeCertification"), revoking),
    *(
        Scene(
            f"relaying-{to}",
            GOVERNANCE,
            [Window(DELIVERY_AND_MARK, (to,), told=False)],
            deciding,
            late=True,
        )
        for to in ("ledger", "bus")
    ),
)
