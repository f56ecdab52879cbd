"""Lists of approvals and events as large as they may be, and bounded questions."""

from typing import Any

import pytest

from phoenix_dma.v1 import approval_pb2, audit_pb2, governance_pb2
from phoenix_dma.wire.conversions import struct_of
from phoenix_dma.wire.sizes import MESSAGE_BYTES
from phoenix_runtime.core.errors import FieldInvalid
from tests.integration.governance.conftest import Governance
from tests.support.builders.audit_events import audit_event
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBJECTS = 36
SUBJECT = "x" * (250 << 10)
EVENTS = 10
DETAIL = "x" * (900 << 10)


async def test_approvals_with_the_largest_subjects_are_listed_page_by_page(
    governance: Governance,
) -> None:
    for number in range(SUBJECTS):
        request = approval_pb2.RequestApprovalRequest(
            task_id="t",
            action=f"merge.{number}",
            correlation_id="audit.corr.t",
            subject=struct_of({"record": SUBJECT}),
        )
        await governance.as_service(governance.approvals.RequestApproval, request)
    wanted = approval_pb2.ListApprovalsRequest(task_id="t", page_size=200)
    found = await pages(governance, governance.approvals.ListApprovals, wanted, "approvals")
    assert sorted(len(page) for page in found) == [9, 9, 9, 9]
    assert len({one.approval_id for page in found for one in page}) == SUBJECTS


async def test_large_events_are_appended_and_listed_in_parts(governance: Governance) -> None:
    task: dict[str, Any] = {"aggregate": "task/t", "task": "t", "correlation_id": "audit.corr.t"}
    submitted = {"task": {"parent_task_id": "", "submitter": "sam"}}
    events = [audit_event(governance.tenant, **task, actor="sam", detail=submitted)]
    events += [
        audit_event(
            governance.tenant,
            **task,
            aggregate_version=number,
            type="TASK_STARTED",
            detail={"text": DETAIL},
        )
        for number in range(2, EVENTS + 2)
    ]
    await governance.append(*events)
    wanted = audit_pb2.ListAuditEventsRequest(task="t", page_size=200)

    async def listed() -> Any:
        found = await pages(governance, governance.audit.ListAuditEvents, wanted, "events")
        return found if sum(map(len, found)) == EVENTS + 1 else None

    assert len(await until(listed)) > 1
    lineage = audit_pb2.GetLineageRequest(task_id="t", page_size=200)
    found = await pages(governance, governance.audit.GetLineage, lineage, "events")
    assert [one.aggregate_version for page in found for one in page] == [*range(1, EVENTS + 2)]


async def test_trust_is_asked_for_at_most_64_capabilities(governance: Governance) -> None:
    names = [f"capability_{number}" for number in range(65)]
    request = governance_pb2.GetTrustScoreRequest(participant_id="agent.a", capabilities=names)
    with pytest.raises(FieldInvalid, match="at most 64"):
        await governance.as_person(governance.policies.GetTrustScore, request, "auditor")


async def pages(governance: Governance, method: Any, request: Any, field: str) -> list[list[Any]]:
    """The items of every page, each of which fits into a message."""
    found = []
    request.page_token = ""
    while True:
        answer = await governance.as_person(method, request, "auditor")
        assert answer.ByteSize() < MESSAGE_BYTES
        found.append(list(getattr(answer, field)))
        request.page_token = answer.next_page_token
        if not request.page_token:
            return found
