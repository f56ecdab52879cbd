"""The paper's payloads, byte for byte, against the whole runtime (section 7, Appendix A)."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc.aio
import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import OKPKey

from phoenix_dma.v1 import (
    assignment_pb2,
    assignment_pb2_grpc,
    gateway_pb2,
    gateway_pb2_grpc,
    governance_pb2,
    governance_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
)
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.conversions import json_to_struct
from phoenix_runtime.chassis.rpc.credentials import sign
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.local.data_folder.keys import ISSUER
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.support.builders.payloads import PARTICIPANT, TASK
from tests.support.servers.temporary import temporary
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
TASK_ID = "task.customer-merge-review.8841"
FINDINGS = {"outputs": {"pairs": [["a", "b"]]}, "decisions": ["a and b are one customer"]}
REGISTERED = {"PARTICIPANT_REGISTERED"}
ENVIRONMENT = {
    "PHOENIX_DMA_REFERENCES": json.dumps({"*": ["s3://contexts/"]}),
    "PHOENIX_DMA_LEASE_TTL": "60",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "20",
    "PHOENIX_DMA_LAST_CHECKPOINT": "1",
}
"""Who beats once is there for a whole test; a source that says nothing is waited for briefly."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of its own in the running runtime, and everybody in it."""

    name: str
    rest: httpx.AsyncClient
    channel: grpc.aio.Channel
    issuer: OKPKey

    def token(self, *roles: str, participant: str = "") -> str:
        """A credential as the local issuer makes it."""
        claims = {"iss": ISSUER, "sub": participant or "olga", "tenant": self.name}
        if participant:
            claims |= {"participant": participant, "participant_type": "agent"}
            claims |= {"owner": "data-governance"}
        said = {**claims, "roles": list(roles)}
        life = timedelta(minutes=10)
        return sign(said, self.issuer, SteadyClock(), audience="phoenix-dma", life=life)

    def headers(self, who: str = "") -> dict[str, str]:
        """The headers of a participant, or of an operator."""
        if who:
            return {"authorization": f"Bearer {self.token('participant', participant=who)}"}
        everything = ("operator", "submitter", "auditor", "reviewer")
        return {"authorization": f"Bearer {self.token(*everything)}"}

    def metadata(self, who: str = "") -> tuple[tuple[str, str], ...]:
        return tuple(self.headers(who).items())

    async def post(self, path: str, body: Any, who: str = "") -> Any:
        """The answer to a POST that has to succeed; bytes are sent as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self.rest.post(path, content=content, headers=self.headers(who))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str) -> Any:
        answer = await self.rest.get(path, headers=self.headers())
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def join(self, payload: bytes = PARTICIPANT, **changed: Any) -> str:
        """Register and beat once; answers the id."""
        declared = {**json.loads(payload), **changed}
        body = payload if not changed else declared
        await self.post("/participants/register", body, declared["id"])
        await self.beat(declared["id"])
        return str(declared["id"])

    async def beat(self, who: str) -> Any:
        body = {"participant_id": who, "load": 0.1, "status": "serving", "health": "fine"}
        return await self.post("/participants/heartbeat", body, who)

    async def assigned(self, payload: bytes) -> Any:
        """Assign as soon as trust has been computed from the ledger, which takes a moment."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.rest.post(
                    "/tasks/assign", content=payload, headers=self.headers()
                )
                if answer.status_code == 200:
                    return answer.json()
                assert answer.json()["reason"] == "NO_ELIGIBLE_PARTICIPANT", answer.text

    async def candidate(self, who: str) -> None:
        """Beat until a task of section 7 could be given to it: a handoff to nobody is denied."""
        query = (
            "required_capabilities=duplicate_detection,customer_validation"
            "&data_domains=customer_master&risk_level=medium"
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.beat(who)
                found = await self.get(f"/participants/discover?{query}")
                if who in [one["participant_id"] for one in found["candidates"]]:
                    return

    async def started(self, who: str) -> int:
        """Begin the assigned task; answers the epoch."""
        tasks: Any = assignment_pb2_grpc.AssignmentServiceStub(self.channel)
        task = (await self.task()).assignment
        request = assignment_pb2.StartTaskRequest(task_id=TASK_ID, epoch=task.epoch)
        await tasks.StartTask(request, metadata=self.metadata(who))
        return int(task.epoch)

    async def task(self) -> Any:
        tasks: Any = assignment_pb2_grpc.AssignmentServiceStub(self.channel)
        request = assignment_pb2.GetTaskRequest(task_id=TASK_ID)
        return (await tasks.GetTask(request, metadata=self.metadata())).task

    async def certify(self, participant: str, *capabilities: str) -> None:
        governance: Any = governance_pb2_grpc.GovernanceServiceStub(self.channel)
        for capability in capabilities:
            request = governance_pb2.GrantCertificationRequest(
                participant_id=participant, capability=capability, evidence="test suite 7"
            )
            await governance.GrantCertification(request, metadata=self.metadata())

    async def directive(self, who: str, action: str) -> Any:
        """Beat until a directive of that kind has come; others are acknowledged by nobody."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for directive in (await self.beat(who))["directives"]:
                    if directive["action"] == action:
                        return directive


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[LocalRuntime]:
    options = LocalRuntimeOptions.temporary(environment=ENVIRONMENT)
    async with temporary(LocalRuntime(options)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def tenant(runtime: LocalRuntime) -> AsyncIterator[Tenant]:
    issuer = OKPKey.import_key(json.loads((runtime.folder.keys / "issuer.jwk").read_text()))
    base = f"http://{runtime.address('rest')}"
    async with (
        httpx.AsyncClient(base_url=base, trust_env=False, timeout=PATIENCE) as rest,
        grpc.aio.insecure_channel(runtime.address("gateway")) as channel,
    ):
        yield Tenant(new_id("tenant"), rest, channel, issuer)


async def test_the_participant_of_section_7_registers_as_printed(tenant: Tenant) -> None:
    answer = await tenant.post("/participants/register", PARTICIPANT, STEWARD)
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


async def test_a_heartbeat_makes_it_active(tenant: Tenant) -> None:
    await tenant.post("/participants/register", PARTICIPANT, STEWARD)
    answer = await tenant.beat(STEWARD)
    assert answer["status"] == "active"
    assert answer["ttl"].endswith("s")


async def test_the_task_of_section_7_is_assigned_to_the_participant_of_section_7(
    tenant: Tenant,
) -> None:
    await tenant.join()
    submitted = await tenant.post("/tasks/submit", TASK)
    printed = json.loads(TASK)
    assert {name: submitted["task"][name] for name in printed} == printed
    answer = await tenant.assigned(TASK)
    assert (answer["participant_id"], answer["decision"]) == (STEWARD, "approved")
    again = await tenant.post("/tasks/assign", {"task_id": TASK_ID})
    assert again["assignment_id"] == answer["assignment_id"]


async def test_the_request_of_appendix_a_is_answered_as_printed(tenant: Tenant) -> None:
    steward = "agent.reference-data-steward.004"
    await tenant.join(
        id=steward,
        capabilities=["reference_data_validation", "policy_check"],
        permissions=["read_reference_data"],
        metadata={"data_domains": ["reference_data"]},
    )
    await tenant.certify(steward, "reference_data_validation", "policy_check", "")
    answer = await tenant.assigned(REFERENCE_TASK)
    printed = json.loads(REFERENCE_ANSWER)
    for name in ("participant_id", "decision", "explanation"):
        assert answer[name] == printed[name]
    assert answer["assignment_id"].startswith("assign.")
    assert answer["policy_decision_id"].startswith("opa.dec.")
    assert list(answer)[: len(printed)] == list(printed)


async def test_nobody_eligible_is_a_problem_that_says_that_the_task_waits(
    tenant: Tenant,
) -> None:
    answer = await tenant.rest.post("/tasks/assign", content=TASK, headers=tenant.headers())
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["reason"]) == (409, "NO_ELIGIBLE_PARTICIPANT")
    assert (await tenant.task()).status == assignment_pb2.TASK_STATUS_PENDING


async def test_discovery_answers_who_can_and_why_not_the_others(tenant: Tenant) -> None:
    await tenant.join()
    await tenant.assigned(TASK)
    found = await tenant.get(
        "/participants/discover?required_capabilities=duplicate_detection,customer_validation"
        "&data_domains=customer_master&risk_level=medium&page_size=10"
    )
    assert [one["participant_id"] for one in found["candidates"]] == [STEWARD]
    none = await tenant.get(
        "/participants/discover?required_capabilities=policy_check&risk_level=low&data_domains=product"
    )
    assert none["candidates"] == []
    (excluded,) = none["excluded"]
    assert excluded["participant_id"] == STEWARD
    assert "product" in excluded["because"]


async def test_a_checkpoint_by_value_is_answered_with_its_address_and_hash(
    tenant: Tenant,
) -> None:
    await tenant.join()
    await tenant.assigned(TASK)
    epoch = await tenant.started(STEWARD)
    body = {
        "task_id": TASK_ID,
        "participant_id": STEWARD,
        "epoch": epoch,
        "base_version": 0,
        "context": FINDINGS,
    }
    answer = await tenant.post("/state/checkpoint", body, STEWARD)
    assert answer["context_ref"] == f"phoenix://state/{TASK_ID}/1"
    assert answer["hash"] == content_hash(FINDINGS)  # type: ignore[arg-type]
    again = await tenant.post("/state/checkpoint", body, STEWARD)
    assert again["receipt"] == answer["receipt"]
    state: Any = state_pb2_grpc.StateServiceStub(tenant.channel)
    request = state_pb2.GetContextRequest(context_ref=f"phoenix://context/{TASK_ID}")
    found = await state.GetContext(request, metadata=tenant.metadata(STEWARD))
    assert found.context == json_to_struct(FINDINGS)  # type: ignore[arg-type]


async def test_a_checkpoint_by_reference_keeps_reference_and_hash(tenant: Tenant) -> None:
    await tenant.join()
    await tenant.assigned(TASK)
    epoch = await tenant.started(STEWARD)
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
    answer = await tenant.post("/state/checkpoint", body, STEWARD)
    assert (answer["hash"], answer["checkpoint"]["by_reference"]) == (attested, True)
    state: Any = state_pb2_grpc.StateServiceStub(tenant.channel)
    request = state_pb2.GetContextRequest(context_ref=f"phoenix://state/{TASK_ID}/latest")
    found = await state.GetContext(request, metadata=tenant.metadata(STEWARD))
    assert found.reference.state_ref == body["state_ref"]
    assert found.reference.owner == "data-governance"


async def test_a_handoff_is_initiated_offered_and_completed_over_rest(tenant: Tenant) -> None:
    await tenant.join()
    await tenant.assigned(TASK)
    epoch = await tenant.started(STEWARD)
    body = {"task_id": TASK_ID, "epoch": epoch, "context": FINDINGS}
    checkpoint = await tenant.post("/state/checkpoint", body, STEWARD)
    await tenant.join(id=BACKUP)
    await tenant.candidate(BACKUP)
    initiate = {"task_id": TASK_ID, "source": STEWARD, "reason": "requested"}
    begun = await tenant.post("/handoff/initiate", initiate, STEWARD)
    handoff_id = begun["handoff"]["handoff_id"]
    offer = await tenant.directive(BACKUP, "receive_handoff")
    assert offer["handoff_id"] == handoff_id
    complete = {
        "handoff_id": handoff_id,
        "offer_id": offer["offer_id"],
        "received_hash": checkpoint["hash"],
        "accepted_obligations": [one.id for one in (await tenant.task()).obligations],
    }
    done = await tenant.post("/handoff/complete", complete, BACKUP)
    assert done["handoff"]["status"] == "completed"
    task = await tenant.task()
    assert (task.assignment.participant_id, task.status) == (
        BACKUP,
        assignment_pb2.TASK_STATUS_ACTIVE,
    )
    zombie = {**body, "base_version": 1}
    refused = await tenant.rest.post(
        "/state/checkpoint", json=zombie, headers=tenant.headers(STEWARD)
    )
    assert (refused.status_code, refused.json()["reason"]) == (409, "STALE_ASSIGNMENT")


async def test_a_participant_retires_for_ever(tenant: Tenant) -> None:
    await tenant.join()
    body = {"participant_id": STEWARD, "mode": "graceful"}
    answer = await tenant.post("/participants/retire", body, STEWARD)
    assert answer["retirement"]["participant_id"] == STEWARD
    async with asyncio.timeout(PATIENCE):
        while True:
            refused = await tenant.rest.post(
                "/participants/register", content=PARTICIPANT, headers=tenant.headers(STEWARD)
            )
            if refused.status_code != 200 and "retired" in refused.text:
                return


async def test_the_audit_is_queried_by_the_papers_filters(tenant: Tenant) -> None:
    await tenant.join()
    decision = (await tenant.assigned(TASK))["policy_decision_id"]
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
        found = await audited(tenant, query, expected)
        assert {event["type"] for event in found} == expected
        for event in found:
            assert event["event_id"].startswith("event.")
            assert event["correlation_id"]


async def audited(tenant: Tenant, query: str, expected: set[str]) -> list[Any]:
    """The events of a query, once the ledger has what is expected: it is delivered to."""
    async with asyncio.timeout(PATIENCE):
        while True:
            events: list[Any] = (await tenant.get(f"/audit/events?{query}"))["events"]
            if events or not expected:
                return events


async def test_the_dossier_of_the_task_is_whole(tenant: Tenant) -> None:
    await tenant.join()
    await tenant.assigned(TASK)
    stub: Any = gateway_pb2_grpc.GatewayServiceStub(tenant.channel)
    request = gateway_pb2.GetTaskDossierRequest(task_id=TASK_ID)
    found = await stub.GetTaskDossier(request, metadata=tenant.metadata())
    assert not found.missing
    assert found.participant.id == STEWARD
    assert found.task.task_id == TASK_ID


async def test_a_participants_credential_cannot_act_for_another(tenant: Tenant) -> None:
    await tenant.join()
    for path, body in (
        ("/participants/register", json.loads(PARTICIPANT)),
        ("/participants/heartbeat", {"participant_id": STEWARD}),
        ("/participants/retire", {"participant_id": STEWARD, "mode": "immediate"}),
    ):
        answer = await tenant.rest.post(path, json=body, headers=tenant.headers(BACKUP))
        assert (answer.status_code, answer.json()["reason"]) == (403, "NOT_PERMITTED")


async def test_another_tenants_task_is_not_found(tenant: Tenant) -> None:
    await tenant.post("/tasks/submit", TASK)
    other = Tenant(new_id("tenant"), tenant.rest, tenant.channel, tenant.issuer)
    answer = await tenant.rest.post(
        "/tasks/assign", json={"task_id": TASK_ID}, headers=other.headers()
    )
    assert answer.status_code in {400, 404}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await other.task()
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
