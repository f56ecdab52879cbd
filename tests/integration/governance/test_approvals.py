"""Approvals over gRPC, judged by the real bundle (I13)."""

import asyncio
from typing import Any

import pytest

from phoenix_dma.v1 import approval_pb2, audit_pb2
from phoenix_runtime.core.errors import (
    ContextHashMismatch,
    FieldInvalid,
    IllegalTransition,
    NotFound,
    NotPermitted,
    PolicyDenied,
)
from phoenix_runtime.core.json import content_hash
from tests.integration.governance.conftest import REVIEWER, Governance
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROPOSAL = {"merge": ["rec-1", "rec-2"], "keep": "rec-1"}


def approval_request(**fields: Any) -> approval_pb2.RequestApprovalRequest:
    request = approval_pb2.RequestApprovalRequest(
        **{
            "task_id": "t",
            "action": "merge",
            "correlation_id": "audit.corr.t",
            "barred": ["sam", "agent.a"],
            "barred_owners": ["otto"],
            "policy_decision_id": "opa.dec.1",
            "proposed_by": "agent.a",
            **fields,
        }
    )
    if not request.HasField("subject"):
        request.subject.update(PROPOSAL)
    return request


async def ask(governance: Governance, **fields: Any) -> approval_pb2.Approval:
    answer = await governance.as_service(
        governance.approvals.RequestApproval, approval_request(**fields)
    )
    return answer.approval


def decision(approval_id: str, **fields: Any) -> approval_pb2.DecideApprovalRequest:
    request = {"approval_id": approval_id, "approve": True, "comment": "looked at both records"}
    return approval_pb2.DecideApprovalRequest(**{**request, **fields})


async def decide(
    governance: Governance, request: approval_pb2.DecideApprovalRequest, by: str = REVIEWER
) -> Any:
    return await governance.as_participant(
        governance.approvals.DecideApproval, request, by, "reviewer"
    )


async def audited(governance: Governance, kind: str) -> list[audit_pb2.AuditEvent]:
    async def look() -> Any:
        wanted = audit_pb2.ListAuditEventsRequest(type=[kind])
        listed = governance.audit.ListAuditEvents
        return (await governance.as_person(listed, wanted, "auditor")).events

    return list(await until(look))


async def test_a_human_approves_exactly_what_they_saw(governance: Governance) -> None:
    asked = await ask(governance)
    assert asked.requested_by == "agent.a"
    assert asked.subject_hash == content_hash(PROPOSAL)
    answer = await decide(governance, decision(asked.approval_id, subject_hash=asked.subject_hash))
    assert answer.approval.status == approval_pb2.APPROVAL_STATUS_APPROVED
    assert (answer.approval.decided_by, answer.approval.comment) == (
        REVIEWER,
        "looked at both records",
    )
    assert answer.receipt.policy_decision_id.startswith("opa.dec.")
    assert answer.approval.deciding_policy_decision_id == answer.receipt.policy_decision_id
    (event,) = await audited(governance, "APPROVAL_DECIDED")
    assert (event.task, event.participant, event.actor) == ("t", "agent.a", REVIEWER)
    assert (event.previous_state, event.new_state) == ("pending", "approved")
    assert (event.correlation_id, event.aggregate_version) == ("audit.corr.t", 2)
    assert event.detail["comment"] == "looked at both records"


async def test_the_same_subject_asked_twice_at_once_is_one_request(
    governance: Governance,
) -> None:
    asked = await asyncio.gather(*(ask(governance) for _ in range(5)))
    assert len({approval.approval_id for approval in asked}) == 1
    (event,) = await audited(governance, "APPROVAL_REQUESTED")
    assert event.input_references == [asked[0].subject_hash]


async def test_other_content_is_another_request(governance: Governance) -> None:
    first = await ask(governance)
    await decide(governance, decision(first.approval_id, approve=False))
    other = approval_request()
    other.subject.update({"keep": "rec-2"})
    answer = await governance.as_service(governance.approvals.RequestApproval, other)
    assert answer.approval.approval_id != first.approval_id
    assert answer.approval.status == approval_pb2.APPROVAL_STATUS_PENDING


async def test_a_refusal_is_remembered_for_its_subject(governance: Governance) -> None:
    asked = await ask(governance)
    await decide(governance, decision(asked.approval_id, approve=False))
    again = await ask(governance)
    assert again.approval_id == asked.approval_id
    assert again.status == approval_pb2.APPROVAL_STATUS_REJECTED


async def test_only_naming_a_decided_approval_asks_its_subject_anew(
    governance: Governance,
) -> None:
    asked = await ask(governance)
    assert (await ask(governance, supersedes=asked.approval_id)).approval_id == asked.approval_id
    await decide(governance, decision(asked.approval_id))
    anew = await ask(governance, supersedes=asked.approval_id)
    assert anew.approval_id != asked.approval_id
    assert (await ask(governance, supersedes=asked.approval_id)).approval_id == anew.approval_id
    assert (await ask(governance)).approval_id == anew.approval_id


@pytest.mark.parametrize("decider", ["sam", "agent.a"])
async def test_whoever_has_a_hand_in_it_does_not_decide(
    governance: Governance, decider: str
) -> None:
    asked = await ask(governance)
    with pytest.raises(PolicyDenied, match="worked on it"):
        await decide(governance, decision(asked.approval_id), by=decider)
    (event,) = await audited(governance, "POLICY_DENIED")
    assert (event.task, event.actor) == ("t", decider)
    assert await status(governance, asked) == approval_pb2.APPROVAL_STATUS_PENDING


async def test_an_owner_of_who_worked_on_it_does_not_decide(governance: Governance) -> None:
    asked = await ask(governance)
    with pytest.raises(PolicyDenied, match="owner"):
        await decide(governance, decision(asked.approval_id), by="otto")


async def test_whoever_is_no_human_or_no_reviewer_does_not_decide(governance: Governance) -> None:
    asked = await ask(governance)
    method = governance.approvals.DecideApproval
    with pytest.raises(NotPermitted):
        await governance.as_participant(method, decision(asked.approval_id), "agent.c")
    claims = {"sub": "agent.c", "participant": "agent.c", "participant_type": "agent"}
    with pytest.raises(PolicyDenied, match="human"):
        await governance.as_person(
            method, decision(asked.approval_id), "participant", "reviewer", **claims
        )
    with pytest.raises(PolicyDenied, match="human"):
        await governance.as_person(method, decision(asked.approval_id), "reviewer", sub="rita")


async def test_only_one_of_those_asked_for_decides(governance: Governance) -> None:
    asked = await ask(governance, approvers=["human.other"])
    with pytest.raises(PolicyDenied, match="among those asked"):
        await decide(governance, decision(asked.approval_id))
    assert await decide(governance, decision(asked.approval_id), by="human.other")


async def test_an_approval_is_decided_once(governance: Governance) -> None:
    asked = await ask(governance)
    answers = await asyncio.gather(
        *(
            decide(governance, decision(asked.approval_id, approve=bool(i % 2)), by=f"human.{i}")
            for i in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert {type(a) for a in answers if isinstance(a, BaseException)} == {IllegalTransition}
    with pytest.raises(IllegalTransition):
        await decide(governance, decision(asked.approval_id))
    assert len(await audited(governance, "APPROVAL_DECIDED")) == 1


async def test_a_repeated_request_gets_the_first_answer(governance: Governance) -> None:
    asked = await ask(governance)
    request = decision(asked.approval_id, request_id="r.1")
    assert await decide(governance, request) == await decide(governance, request)


async def test_another_hash_than_the_subjects_is_refused(governance: Governance) -> None:
    asked = await ask(governance)
    with pytest.raises(ContextHashMismatch):
        await decide(governance, decision(asked.approval_id, subject_hash="sha256:other"))


async def test_a_decision_carries_a_comment(governance: Governance) -> None:
    asked = await ask(governance)
    with pytest.raises(FieldInvalid, match="comment"):
        await decide(governance, decision(asked.approval_id, comment="  "))


async def test_a_cancelled_approval_cannot_be_decided_and_can_be_asked_again(
    governance: Governance,
) -> None:
    asked = await ask(governance)
    request = approval_pb2.CancelApprovalRequest(approval_id=asked.approval_id, reason="ended")
    for _ in range(2):
        answer = await governance.as_service(governance.approvals.CancelApproval, request)
        assert answer.approval.status == approval_pb2.APPROVAL_STATUS_CANCELLED
    with pytest.raises(IllegalTransition):
        await decide(governance, decision(asked.approval_id))
    assert (await ask(governance)).approval_id != asked.approval_id
    assert len(await audited(governance, "APPROVAL_CANCELLED")) == 1


async def test_approvals_are_listed_newest_first_and_by_status(governance: Governance) -> None:
    asked = [await ask(governance, task_id=f"t.{i}") for i in range(3)]
    await decide(governance, decision(asked[1].approval_id))
    listed = governance.approvals.ListApprovals
    request = approval_pb2.ListApprovalsRequest(
        statuses=[approval_pb2.APPROVAL_STATUS_PENDING], page_size=1
    )
    first = await governance.as_person(listed, request, "operator")
    request.page_token = first.next_page_token
    second = await governance.as_person(listed, request, "operator")
    found = [a.approval_id for a in (*first.approvals, *second.approvals)]
    assert found == [asked[2].approval_id, asked[0].approval_id]
    assert second.next_page_token == ""


async def test_another_tenants_approval_is_not_found(governance: Governance) -> None:
    asked = await ask(governance)
    request = approval_pb2.GetApprovalRequest(approval_id=asked.approval_id)
    with pytest.raises(NotFound):
        await governance.as_person(
            governance.approvals.GetApproval, request, "operator", tenant="other"
        )


async def status(governance: Governance, asked: approval_pb2.Approval) -> int:
    request = approval_pb2.GetApprovalRequest(approval_id=asked.approval_id)
    found = await governance.as_service(governance.approvals.GetApproval, request)
    return int(found.approval.status)
