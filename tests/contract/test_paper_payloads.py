"""The paper's payloads, byte for byte, against the whole runtime (section 7, Appendix A)."""

import asyncio
import json
from typing import Any

import grpc.aio
import pytest

from phoenix_dma.v1 import (
    assignment_pb2,
    gateway_pb2,
    gateway_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
)
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.json import content_hash
from tests.contract.conftest import TASK_ID, PaperTenant
from tests.support.builders.payloads import PARTICIPANT, TASK
from tests.support.waiting.until import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Appendix A.
REFERENCE_TASK = b"""{
  "task_id": "task.reference-data-change.0032",
  "objective": "Review proposed reference data code change",
  "required_capabilities": ["reference_data_validation", "policy_check"],
  "data_domains": ["reference_data"],
  "risk_level": "high",
  "context_ref": "phoenix://context/task.reference-data-change.0032",
  "policy_constraints": ["human_approval_required", "no_direct_write"]
}"""
# Appendix A; the ids are generated, so shape and names are what is compared.
REFERENCE_ANSWER = b"""{
  "assignment_id": "assign.00992",
  "participant_id": "agent.reference-data-steward.004",
  "decision": "approved",
  "policy_decision_id": "opa.dec.884992",
  "explanation": "Participant has certified capability and approved reference data permissions."
}"""

STEWARD = "agent.customer-steward.001"
BACKUP = "agent.customer-steward.002"
FINDINGS = {"outputs": {"pairs": [["a", "b"]]}, "decisions": ["a and b are one customer"]}
REGISTERED = {"PARTICIPANT_REGISTERED"}


async def test_the_participant_of_section_7_registers_as_printed(paper_tenant: PaperTenant) -> None:
    answer = await paper_tenant.post("/participants/register", PARTICIPANT, STEWARD)
    printed = json.loads(PARTICIPANT)
    assert answer["decision"] == "approved"
    assert answer["receipt"]["policy_decision_id"].startswith("opa.dec.")
    participant = answer["participant"]
    for name in ("id", "type", "owner", "state_location", "endpoint", "metadata"):
        assert participant[name] == printed[name]
    assert sorted(participant["capabilities"]) == sorted(printed["capabilities"])
    assert sorted(participant["permissions"]) == sorted(printed["permissions"])
    # What it says of its own status and trust is a claim, kept and never used.
    assert participant["status"] == "registered"
    assert participant["declared"]["status"] == "active"
    assert participant["declared"]["trust_score"] == 0.91
    assert "customer_master" in participant["data_domains"]


async def test_a_heartbeat_makes_it_active(paper_tenant: PaperTenant) -> None:
    await paper_tenant.post("/participants/register", PARTICIPANT, STEWARD)
    answer = await paper_tenant.beat(STEWARD)
    assert answer["status"] == "active"
    assert answer["ttl"].endswith("s")


async def test_the_task_of_section_7_is_assigned_to_the_participant_of_section_7(
    paper_tenant: PaperTenant,
) -> None:
    await paper_tenant.join()
    submitted = await paper_tenant.post("/tasks/submit", TASK)
    printed = json.loads(TASK)
    assert {name: submitted["task"][name] for name in printed} == printed
    answer = await paper_tenant.assigned(TASK)
    assert (answer["participant_id"], answer["decision"]) == (STEWARD, "approved")
    again = await paper_tenant.post("/tasks/assign", {"task_id": TASK_ID})
    assert again["assignment_id"] == answer["assignment_id"]


async def test_the_request_of_appendix_a_is_answered_as_printed(paper_tenant: PaperTenant) -> None:
    steward = "agent.reference-data-steward.004"
    await paper_tenant.join(
        id=steward,
        capabilities=["reference_data_validation", "policy_check"],
        permissions=["read_reference_data"],
        metadata={"data_domains": ["reference_data"]},
    )
    await paper_tenant.certify(steward, "reference_data_validation", "policy_check", "")
    answer = await paper_tenant.assigned(REFERENCE_TASK)
    printed = json.loads(REFERENCE_ANSWER)
    for name in ("participant_id", "decision", "explanation"):
        assert answer[name] == printed[name]
    assert answer["assignment_id"].startswith("assign.")
    assert answer["policy_decision_id"].startswith("opa.dec.")
    assert list(answer)[: len(printed)] == list(printed)


async def test_nobody_eligible_is_a_problem_that_says_that_the_task_waits(
    paper_tenant: PaperTenant,
) -> None:
    answer = await paper_tenant.rest.post(
        "/tasks/assign", content=TASK, headers=paper_tenant.headers()
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["reason"]) == (409, "NO_ELIGIBLE_PARTICIPANT")
    assert (await paper_tenant.task()).status == assignment_pb2.TASK_STATUS_PENDING


async def test_discovery_answers_who_can_and_why_not_the_others(paper_tenant: PaperTenant) -> None:
    await paper_tenant.join()
    await paper_tenant.assigned(TASK)
    found = await paper_tenant.get(
        "/participants/discover?required_capabilities=duplicate_detection,customer_validation"
        "&data_domains=customer_master&risk_level=medium&page_size=10"
    )
    assert [one["participant_id"] for one in found["candidates"]] == [STEWARD]
    none = await paper_tenant.get(
        "/participants/discover?required_capabilities=policy_check&risk_level=low&data_domains=product"
    )
    assert none["candidates"] == []
    (excluded,) = none["excluded"]
    assert excluded["participant_id"] == STEWARD
    assert "product" in excluded["because"]


async def test_a_checkpoint_by_value_is_answered_with_its_address_and_hash(
    paper_tenant: PaperTenant,
) -> None:
    await paper_tenant.join()
    await paper_tenant.assigned(TASK)
    epoch = await paper_tenant.started(STEWARD)
    body = {
        "task_id": TASK_ID,
        "participant_id": STEWARD,
        "epoch": epoch,
        "base_version": 0,
        "context": FINDINGS,
    }
    answer = await paper_tenant.post("/state/checkpoint", body, STEWARD)
    assert answer["context_ref"] == f"phoenix://state/{TASK_ID}/1"
    assert answer["hash"] == content_hash(FINDINGS)  # type: ignore[arg-type]
    again = await paper_tenant.post("/state/checkpoint", body, STEWARD)
    assert again["receipt"] == answer["receipt"]
    state: Any = state_pb2_grpc.StateServiceStub(paper_tenant.channel)
    request = state_pb2.GetContextRequest(context_ref=f"phoenix://context/{TASK_ID}")
    found = await state.GetContext(request, metadata=paper_tenant.metadata(STEWARD))
    assert found.context == json_to_struct(FINDINGS)  # type: ignore[arg-type]


async def test_a_checkpoint_by_reference_keeps_reference_and_hash(
    paper_tenant: PaperTenant,
) -> None:
    await paper_tenant.join()
    await paper_tenant.assigned(TASK)
    epoch = await paper_tenant.started(STEWARD)
    attested = "sha256:" + "ab" * 32
    body = {
        "task_id": TASK_ID,
        "participant_id": STEWARD,
        "epoch": epoch,
        "base_version": 0,
        "state_ref": "s3://contexts/8841.json?versionId=7",
        "hash": attested,
        "handoff_protocol": "copy_then_verify",
    }
    answer = await paper_tenant.post("/state/checkpoint", body, STEWARD)
    assert (answer["hash"], answer["checkpoint"]["by_reference"]) == (attested, True)
    state: Any = state_pb2_grpc.StateServiceStub(paper_tenant.channel)
    request = state_pb2.GetContextRequest(context_ref=f"phoenix://state/{TASK_ID}/latest")
    found = await state.GetContext(request, metadata=paper_tenant.metadata(STEWARD))
    assert found.reference.state_ref == body["state_ref"]
    assert found.reference.owner == "data-governance"


async def test_a_handoff_is_initiated_offered_and_completed_over_rest(
    paper_tenant: PaperTenant,
) -> None:
    await paper_tenant.join()
    await paper_tenant.assigned(TASK)
    epoch = await paper_tenant.started(STEWARD)
    body = {"task_id": TASK_ID, "epoch": epoch, "context": FINDINGS}
    checkpoint = await paper_tenant.post("/state/checkpoint", body, STEWARD)
    await paper_tenant.join(id=BACKUP)
    await paper_tenant.candidate(BACKUP)
    initiate = {"task_id": TASK_ID, "source": STEWARD, "reason": "requested"}
    begun = await paper_tenant.post("/handoff/initiate", initiate, STEWARD)
    handoff_id = begun["handoff"]["handoff_id"]
    offer = await paper_tenant.directive(BACKUP, "receive_handoff")
    assert offer["handoff_id"] == handoff_id
    complete = {
        "handoff_id": handoff_id,
        "offer_id": offer["offer_id"],
        "received_hash": checkpoint["hash"],
        "accepted_obligations": [one.id for one in (await paper_tenant.task()).obligations],
    }
    done = await paper_tenant.post("/handoff/complete", complete, BACKUP)
    assert done["handoff"]["status"] == "completed"
    task = await paper_tenant.task()
    assert (task.assignment.participant_id, task.status) == (
        BACKUP,
        assignment_pb2.TASK_STATUS_ACTIVE,
    )
    zombie = {**body, "base_version": 1}
    refused = await paper_tenant.rest.post(
        "/state/checkpoint", json=zombie, headers=paper_tenant.headers(STEWARD)
    )
    assert (refused.status_code, refused.json()["reason"]) == (409, "STALE_ASSIGNMENT")


async def test_a_participant_retires_for_ever(paper_tenant: PaperTenant) -> None:
    await paper_tenant.join()
    body = {"participant_id": STEWARD, "mode": "graceful"}
    answer = await paper_tenant.post("/participants/retire", body, STEWARD)
    assert answer["retirement"]["participant_id"] == STEWARD
    async with asyncio.timeout(PATIENCE):
        while True:
            refused = await paper_tenant.rest.post(
                "/participants/register", content=PARTICIPANT, headers=paper_tenant.headers(STEWARD)
            )
            if refused.status_code != 200 and "retired" in refused.text:
                return


async def test_the_audit_is_queried_by_the_papers_filters(paper_tenant: PaperTenant) -> None:
    await paper_tenant.join()
    decision = (await paper_tenant.assigned(TASK))["policy_decision_id"]
    nothing: set[str] = set()
    for query, expected in (
        (f"task={TASK_ID}&type=ASSIGNMENT_CREATED", {"ASSIGNMENT_CREATED"}),
        (
            f"participant={STEWARD}&type=PARTICIPANT_REGISTERED,TASK_SUBMITTED",
            {"PARTICIPANT_REGISTERED"},
        ),
        (f"policy_decision={decision}", {"ASSIGNMENT_CREATED"}),
        ("since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z", nothing),
    ):
        found = await audited(paper_tenant, query, expected)
        assert {event["type"] for event in found} == expected
        for event in found:
            assert event["event_id"].startswith("event.")
            assert event["correlation_id"]


async def audited(paper_tenant: PaperTenant, query: str, expected: set[str]) -> list[Any]:
    """The events of a query, once the ledger has what is expected: it is delivered to."""
    async with asyncio.timeout(PATIENCE):
        while True:
            events: list[Any] = (await paper_tenant.get(f"/audit/events?{query}"))["events"]
            if events or not expected:
                return events


async def test_the_dossier_of_the_task_is_whole(paper_tenant: PaperTenant) -> None:
    await paper_tenant.join()
    await paper_tenant.assigned(TASK)
    stub: Any = gateway_pb2_grpc.GatewayServiceStub(paper_tenant.channel)
    request = gateway_pb2.GetTaskDossierRequest(task_id=TASK_ID)
    found = await stub.GetTaskDossier(request, metadata=paper_tenant.metadata())
    assert not found.missing
    assert found.participant.id == STEWARD
    assert found.task.task_id == TASK_ID


async def test_a_participants_credential_cannot_act_for_another(paper_tenant: PaperTenant) -> None:
    await paper_tenant.join()
    for path, body in (
        ("/participants/register", json.loads(PARTICIPANT)),
        ("/participants/heartbeat", {"participant_id": STEWARD}),
        ("/participants/retire", {"participant_id": STEWARD, "mode": "immediate"}),
    ):
        answer = await paper_tenant.rest.post(path, json=body, headers=paper_tenant.headers(BACKUP))
        assert (answer.status_code, answer.json()["reason"]) == (403, "NOT_PERMITTED")


async def test_another_tenants_task_is_not_found(paper_tenant: PaperTenant) -> None:
    await paper_tenant.post("/tasks/submit", TASK)
    other = PaperTenant(
        new_id("tenant"), paper_tenant.rest, paper_tenant.channel, paper_tenant.issuer
    )
    answer = await paper_tenant.rest.post(
        "/tasks/assign", json={"task_id": TASK_ID}, headers=other.headers()
    )
    assert answer.status_code in {400, 404}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await other.task()
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
