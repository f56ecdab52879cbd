"""The audit over gRPC: who may write and read it, and what a lineage holds."""

from typing import Any

import pytest

from phoenix_dma.v1 import audit_pb2
from phoenix_runtime.core.errors import (
    FieldInvalid,
    NotFound,
    NotPermitted,
    PolicyDenied,
    Unavailable,
)
from phoenix_runtime.core.events import AuditEvent
from tests.integration.governance.conftest import Governance
from tests.support.builders.audit_events import NOON, audit_event
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def story(tenant: str) -> dict[str, AuditEvent]:
    """A task with a child and a sibling of the child, taken over once."""
    task = {"aggregate": "task/t", "task": "t", "correlation_id": "audit.corr.t"}
    child = {**task, "aggregate": "task/c", "task": "c", "actor": "agent.a"}
    return {
        "submitted": audit_event(
            tenant, **task, actor="sam", detail={"task": {"parent_task_id": "", "submitter": "sam"}}
        ),
        "assigned": audit_event(
            tenant, **task, aggregate_version=2, type="ASSIGNMENT_CREATED", participant="agent.a"
        ),
        "child": audit_event(tenant, **child, detail={"task": {"parent_task_id": "t"}}),
        "sibling": audit_event(
            tenant,
            **{**child, "aggregate": "task/s", "task": "s"},
            detail={"task": {"parent_task_id": "t"}},
        ),
        "grandchild": audit_event(
            tenant,
            **{**child, "aggregate": "task/g", "task": "g"},
            detail={"task": {"parent_task_id": "c"}},
        ),
        "discovery": audit_event(tenant, type="DISCOVERY_COMPLETED", correlation_id="audit.corr.t"),
        "offered": audit_event(
            tenant, **task, aggregate_version=3, type="HANDOFF_OFFERED", participant="agent.b"
        ),
        "unrelated": audit_event(tenant, correlation_id="audit.corr.other"),
    }


async def lineage(governance: Governance, task: str, *roles: str, **claims: Any) -> list[str]:
    request = audit_pb2.GetLineageRequest(task_id=task, page_size=3)
    found: list[str] = []
    while True:
        answer = await governance.as_person(governance.audit.GetLineage, request, *roles, **claims)
        found += [event.event_id for event in answer.events]
        request.page_token = answer.next_page_token
        if not request.page_token:
            return found


async def test_an_auditor_reads_by_filter_and_page_by_page(governance: Governance) -> None:
    await governance.append(*story(governance.tenant).values())
    request = audit_pb2.ListAuditEventsRequest(type=["task_submitted"], task="t", page_size=2)
    answer = await governance.as_person(governance.audit.ListAuditEvents, request, "auditor")
    assert [event.actor for event in answer.events] == ["sam"]
    assert answer.events[0].sequence >= 1
    with pytest.raises(NotPermitted):
        await governance.as_person(governance.audit.ListAuditEvents, request, "submitter")


async def listed(governance: Governance, **fields: Any) -> audit_pb2.ListAuditEventsResponse:
    # By correlation: governance has a word of its own about what it was told.
    request = audit_pb2.ListAuditEventsRequest(correlation_id="audit.corr.t", **fields)
    answer: audit_pb2.ListAuditEventsResponse = await governance.as_person(
        governance.audit.ListAuditEvents, request, "auditor"
    )
    return answer


async def test_the_newest_events_come_first_where_that_is_asked_and_all_are_counted(
    governance: Governance,
) -> None:
    await governance.append(*story(governance.tenant).values())
    oldest = [event.sequence for event in (await listed(governance)).events]
    page = await listed(governance, newest_first=True, with_total=True, page_size=3)
    newest = [event.sequence for event in page.events]
    assert newest == sorted(oldest, reverse=True)[:3]
    assert page.total_size == len(oldest)
    rest = await listed(governance, newest_first=True, page_token=page.next_page_token)
    assert newest + [event.sequence for event in rest.events] == sorted(oldest, reverse=True)
    assert rest.total_size == 0, "nobody asked"
    with pytest.raises(FieldInvalid, match="other filters"):
        await listed(governance, page_token=page.next_page_token)
    some = await listed(governance, task="t", newest_first=True, with_total=True, page_size=1)
    assert (len(some.events), some.total_size) == (1, 3)


async def test_a_reader_goes_on_after_the_last_sequence_that_it_has_read(
    governance: Governance,
) -> None:
    await governance.append(*story(governance.tenant).values())
    everything = [event.sequence for event in (await listed(governance)).events]
    for at, sequence in enumerate(everything, 1):
        later = await listed(governance, after_sequence=sequence)
        assert [event.sequence for event in later.events] == everything[at:]
    with pytest.raises(FieldInvalid, match="after_sequence"):
        await listed(governance, after_sequence=-1)


async def test_a_lineage_holds_the_task_and_its_children(governance: Governance) -> None:
    events = story(governance.tenant)
    await governance.append(*events.values())
    found = await lineage(governance, "t", "auditor")
    assert set(found) == {event.event_id for name, event in events.items() if name != "unrelated"}
    own = [
        e for e in found if e in {events[n].event_id for n in ("submitted", "assigned", "offered")}
    ]
    assert own == [events[name].event_id for name in ("submitted", "assigned", "offered")]


async def test_the_lineage_of_a_child_is_not_that_of_its_parent(governance: Governance) -> None:
    events = story(governance.tenant)
    await governance.append(*events.values())
    found = await lineage(governance, "c", "auditor")
    assert set(found) == {events["child"].event_id, events["grandchild"].event_id}


async def test_an_assignee_reads_its_own_task_and_an_offered_target_does_not(
    governance: Governance,
) -> None:
    await governance.append(*story(governance.tenant).values())
    request = audit_pb2.GetLineageRequest(task_id="t")
    read = governance.audit.GetLineage
    assert (await governance.as_participant(read, request, "agent.a")).events
    with pytest.raises(PolicyDenied):
        await governance.as_participant(read, request, "agent.b")
    assert await lineage(governance, "t", "submitter", sub="sam")
    with pytest.raises(PolicyDenied):
        await lineage(governance, "t", "submitter", sub="somebody.else")


async def test_an_assignee_that_lost_the_task_reads_no_more(governance: Governance) -> None:
    gone = audit_event(
        governance.tenant,
        aggregate="task/t",
        task="t",
        aggregate_version=4,
        type="TASK_MIGRATING",
        participant="agent.a",
        timestamp=NOON,
    )
    await governance.append(*story(governance.tenant).values(), gone)
    request = audit_pb2.GetLineageRequest(task_id="t")
    with pytest.raises(PolicyDenied):
        await governance.as_participant(governance.audit.GetLineage, request, "agent.a")


async def test_a_new_owner_waits_for_the_event_that_makes_it_the_owner(
    governance: Governance,
) -> None:
    """A relay may deliver later than the owner reads: that is no denial, and not nothing."""
    read = governance.audit.GetLineage
    request = audit_pb2.GetLineageRequest(task_id="t", epoch=2)
    with pytest.raises(Unavailable, match="epoch 2"):
        await governance.as_participant(read, request, "agent.b")
    await governance.append(*story(governance.tenant).values())
    with pytest.raises(Unavailable, match="epoch 2"):
        await governance.as_participant(read, request, "agent.b")
    moved = audit_event(
        governance.tenant,
        aggregate="task/t",
        task="t",
        aggregate_version=4,
        type="HANDOFF_COMPLETED",
        participant="agent.b",
        correlation_id="audit.corr.t",
        detail={"target_epoch": 2},
    )
    await governance.append(moved)
    assert (await governance.as_participant(read, request, "agent.b")).events
    with pytest.raises(PolicyDenied):
        await governance.as_participant(read, request, "agent.a")
    request.epoch = -1
    with pytest.raises(FieldInvalid, match="epoch"):
        await governance.as_participant(read, request, "agent.b")


async def test_a_refused_reader_is_in_the_lineage_once(governance: Governance) -> None:
    await governance.append(*story(governance.tenant).values())
    request = audit_pb2.GetLineageRequest(task_id="t")
    for _ in range(3):
        with pytest.raises(PolicyDenied):
            await governance.as_participant(governance.audit.GetLineage, request, "agent.b")
    wanted = audit_pb2.ListAuditEventsRequest(type=["POLICY_DENIED"])

    async def denials() -> Any:
        return (
            await governance.as_person(governance.audit.ListAuditEvents, wanted, "auditor")
        ).events

    (denial,) = await until(denials)
    assert (denial.task, denial.participant, denial.correlation_id) == (
        "t",
        "agent.b",
        "audit.corr.t",
    )
    assert denial.policy_decision["policy"] == "phoenix.audit.read"
    assert denial.detail["remediation"] is not None


async def test_an_unknown_task_has_no_lineage(governance: Governance) -> None:
    with pytest.raises(NotFound):
        await lineage(governance, "nothing", "auditor")


async def test_another_tenants_task_is_not_found(governance: Governance) -> None:
    await governance.append(*story(governance.tenant).values())
    with pytest.raises(NotFound):
        await lineage(governance, "t", "auditor", tenant="other")
