"""Assignment as a server: its real door, wire and background workers, with steered peers behind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from grpc.aio import AioRpcError

from assignment_svc.settings import AssignmentSettings
from assignment_svc.wiring import Peers, build
from phoenix_dma.v1 import (
    assignment_pb2,
    assignment_pb2_grpc,
    common_pb2,
    handoff_pb2,
    handoff_pb2_grpc,
)
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.interceptors.identity import SERVICE_CREDENTIAL
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.chassis.server import Listening
from phoenix_runtime.core import errors
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.validate import validate
from phoenix_runtime.core.verdict import DecisionPoint
from phoenix_runtime.local.evidence import read_evidence
from tests.support.builders.keys import Keys, bearer
from tests.support.fakes.assignment_peers import (
    FakeApprovals,
    FakeRegistry,
    ScriptedPolicy,
    needs_human,
)
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.settings import service_settings
from tests.support.waiting.until import until

REVIEW = assignment_pb2.TaskDeclaration(
    task_id="task.customer-merge-review.8841",
    objective="Validate duplicate customer candidates and recommend merge action",
    required_capabilities=["duplicate_detection", "customer_validation"],
    data_domains=["customer_master"],
    risk_level=common_pb2.RISK_LEVEL_MEDIUM,
    context_ref="phoenix://context/task.customer-merge-review.8841",
)


@dataclass
class Door:
    """The stubs of a running service, and the peers behind it."""

    tasks: Any
    handoffs: Any
    keys: Keys
    tenant: str
    registry: FakeRegistry
    policy: ScriptedPolicy
    approvals: FakeApprovals

    def person(self, *roles: str) -> Any:
        return bearer(self.keys.token(*roles, tenant=self.tenant, sub="ann"))

    def agent(self, participant_id: str, *, service: str = "") -> Any:
        token = self.keys.token(
            "participant",
            tenant=self.tenant,
            sub=participant_id,
            participant=participant_id,
            participant_type="agent",
            owner="data-governance",
        )
        return bearer(token) + (self.beside(service) if service else ())

    def beside(self, service: str) -> Any:
        """The credential of a service that forwards the call."""
        key = self.keys.service_key(service)
        signer = ServiceSigner(service, key, SteadyClock(), audience="phoenix-dma")
        return ((SERVICE_CREDENTIAL, f"Bearer {signer.token(self.tenant)}"),)


@pytest_asyncio.fixture
async def door(
    postgres: PostgresServer, valkey: str, keys: Keys, tenant: str
) -> AsyncIterator[Door]:
    policy = ScriptedPolicy()
    registry = FakeRegistry(SteadyClock(), policy)
    registry.join("human.1", type="human", capacity=0)
    approvals = FakeApprovals()
    urls, admin_url = await postgres.apart("assignment", "phoenix_assignment_wire")
    settings = service_settings(
        AssignmentSettings, "assignment", urls=urls, redis_url=valkey, keys=keys
    )
    peers = Peers(registry=registry, approvals=approvals, policy=policy)
    async with (
        Listening(await build(settings, peers=peers)) as listening,
        grpc.aio.insecure_channel(f"127.0.0.1:{listening.port}") as channel,
    ):
        tasks = assignment_pb2_grpc.AssignmentServiceStub(channel)
        handoffs = handoff_pb2_grpc.HandoffServiceStub(channel)
        yield Door(tasks, handoffs, keys, tenant, registry, policy, approvals)
    assert validate(await read_evidence(admin_url, tenant)) == ()


async def refused(call: Any) -> errors.Refused:
    with pytest.raises(AioRpcError) as refusal:
        await call
    return refusal_of(refusal.value)


def struct(**fields: Any) -> Struct:
    made = Struct()
    made.update(fields)
    return made


async def test_the_papers_task_is_assigned_started_authorized_checkpointed_and_completed(
    door: Door,
) -> None:
    door.registry.join("agent.a")
    assigned = await door.tasks.AssignTask(
        assignment_pb2.AssignTaskRequest(task=REVIEW, request_id="once"),
        metadata=door.person("submitter"),
    )
    assert assigned.decision == assignment_pb2.ASSIGNMENT_DECISION_APPROVED
    assert assigned.assignment_id.startswith("assign.")
    assert assigned.policy_decision_id.startswith("opa.dec.")
    assert len(assigned.score.terms) == 5
    again = await door.tasks.AssignTask(
        assignment_pb2.AssignTaskRequest(task=REVIEW, request_id="once"),
        metadata=door.person("submitter"),
    )
    assert again == assigned
    me, key = door.agent("agent.a"), {"task_id": REVIEW.task_id, "epoch": 1}
    started = await door.tasks.StartTask(assignment_pb2.StartTaskRequest(**key), metadata=me)
    assert started.briefing.task.status == assignment_pb2.TASK_STATUS_ACTIVE
    assert started.briefing.context.version == 0
    authorized = await door.tasks.AuthorizeAction(
        assignment_pb2.AuthorizeActionRequest(
            **key,
            kind=assignment_pb2.ACTION_KIND_DATA_READ,
            name="read_candidates",
            domain="customer_master",
            subject=struct(batch=1),
        ),
        metadata=me,
    )
    assert authorized.subject_hash == content_hash({"batch": 1})
    recorded = await door.tasks.RecordCheckpoint(
        assignment_pb2.RecordCheckpointRequest(
            **key, hash=content_hash({"outputs": []}), size_bytes=14
        ),
        metadata=door.agent("agent.a", service="state"),
    )
    assert recorded.pointer.context_ref == f"phoenix://state/{REVIEW.task_id}/1"
    resolved = await door.tasks.ResolveContext(
        assignment_pb2.ResolveContextRequest(task_id=REVIEW.task_id),
        metadata=door.agent("agent.a", service="state"),
    )
    assert resolved.pointer == recorded.pointer
    done = await door.tasks.CompleteTask(
        assignment_pb2.CompleteTaskRequest(**key, result=struct(merge=True)), metadata=me
    )
    assert done.task.status == assignment_pb2.TASK_STATUS_SUCCEEDED
    seen = await door.tasks.GetTask(
        assignment_pb2.GetTaskRequest(task_id=REVIEW.task_id), metadata=door.person("auditor")
    )
    assert MessageToDict(seen.task.result) == {"merge": True}
    pointers = await door.tasks.ListContextPointers(
        assignment_pb2.ListContextPointersRequest(task_id=REVIEW.task_id),
        metadata=door.person("auditor") + door.beside("state"),
    )
    assert [one.version for one in pointers.pointers] == [1]


async def test_the_night_shift_assigns_what_was_submitted_and_moves_it_when_its_owner_dies(
    door: Door,
) -> None:
    door.registry.join("agent.a")
    await door.tasks.SubmitTask(
        assignment_pb2.SubmitTaskRequest(task=REVIEW), metadata=door.person("submitter")
    )

    async def task() -> Any:
        request = assignment_pb2.GetTaskRequest(task_id=REVIEW.task_id)
        return (await door.tasks.GetTask(request, metadata=door.person("operator"))).task

    async def bound() -> bool:
        return (await task()).assignment.participant_id == "agent.a"

    await until(bound)
    door.registry.change("agent.a", status=type(door.registry.people["agent.a"].status).FAILED)
    door.registry.join("agent.b")

    async def offered() -> Any:
        request = handoff_pb2.ListHandoffsRequest(task_id=REVIEW.task_id)
        found = await door.handoffs.ListHandoffs(request, metadata=door.person("operator"))
        return next((one for one in found.handoffs if one.offer_id), None)

    handoff = await until(offered)
    assert (handoff.source, handoff.target) == ("agent.a", "agent.b")
    taken = await door.handoffs.CompleteHandoff(
        handoff_pb2.CompleteHandoffRequest(
            handoff_id=handoff.handoff_id,
            offer_id=handoff.offer_id,
            received_hash=handoff.context.hash,
        ),
        metadata=door.agent("agent.b"),
    )
    assert taken.handoff.status == handoff_pb2.HANDOFF_STATUS_COMPLETED
    assert taken.briefing.task.assignment.epoch > handoff.source_epoch
    late = await refused(
        door.tasks.StartTask(
            assignment_pb2.StartTaskRequest(task_id=REVIEW.task_id, epoch=1),
            metadata=door.agent("agent.a"),
        )
    )
    assert isinstance(late, errors.StaleAssignment)


async def test_an_approval_is_followed_by_the_night_shift(door: Door) -> None:
    door.registry.join("agent.a")
    door.policy.answer = needs_human(DecisionPoint.ASSIGN)
    parked = await door.tasks.AssignTask(
        assignment_pb2.AssignTaskRequest(task=REVIEW), metadata=door.person("submitter")
    )
    assert parked.decision == assignment_pb2.ASSIGNMENT_DECISION_AWAITING_APPROVAL
    assert parked.task.parked.action == "assign"
    door.approvals.decide(parked.task.parked.approval_id, yes=True)

    async def bound() -> bool:
        request = assignment_pb2.GetTaskRequest(task_id=REVIEW.task_id)
        seen = await door.tasks.GetTask(request, metadata=door.person("operator"))
        return bool(seen.task.status == assignment_pb2.TASK_STATUS_ASSIGNED)

    await until(bound)


async def test_refusals_keep_their_class_and_facts_on_the_wire(door: Door) -> None:
    person = door.person("submitter", "operator")
    nobody = await refused(
        door.tasks.AssignTask(assignment_pb2.AssignTaskRequest(task=REVIEW), metadata=person)
    )
    assert isinstance(nobody, errors.NoEligibleParticipant)
    assert nobody.facts["human.1"] == "capacity"
    wrong = assignment_pb2.TaskDeclaration(task_id="No", priority=-1)
    invalid = await refused(
        door.tasks.SubmitTask(assignment_pb2.SubmitTaskRequest(task=wrong), metadata=person)
    )
    assert isinstance(invalid, errors.FieldInvalid)
    assert {one.field for one in invalid.violations} >= {"task.task_id", "task.objective"}
    unknown = await refused(
        door.tasks.GetTask(assignment_pb2.GetTaskRequest(task_id="t"), metadata=person)
    )
    assert isinstance(unknown, errors.NotFound)
    token = assignment_pb2.ListTasksRequest(page_token="x")
    assert isinstance(
        await refused(door.tasks.ListTasks(token, metadata=person)), errors.FieldInvalid
    )
    outside = await refused(
        door.tasks.ResolveContext(
            assignment_pb2.ResolveContextRequest(task_id=REVIEW.task_id), metadata=person
        )
    )
    assert isinstance(outside, errors.NotPermitted)


async def test_another_tenant_sees_nothing(door: Door) -> None:
    await door.tasks.SubmitTask(
        assignment_pb2.SubmitTaskRequest(task=REVIEW), metadata=door.person("submitter")
    )
    stranger = bearer(door.keys.token("operator", tenant=new_id("tenant")))
    request = assignment_pb2.GetTaskRequest(task_id=REVIEW.task_id)
    assert isinstance(
        await refused(door.tasks.GetTask(request, metadata=stranger)), errors.NotFound
    )
    listed = await door.tasks.ListTasks(assignment_pb2.ListTasksRequest(), metadata=stranger)
    assert not listed.tasks


async def test_sixteen_callers_assign_sixteen_tasks_at_once_to_whoever_has_room(
    door: Door,
) -> None:
    for name in "abcd":
        door.registry.join(f"agent.{name}", capacity=4)

    async def one(number: int) -> str:
        task = assignment_pb2.TaskDeclaration()
        task.CopyFrom(REVIEW)
        task.task_id, task.context_ref = f"task.{number}", ""
        request = assignment_pb2.AssignTaskRequest(task=task)
        answer = await door.tasks.AssignTask(request, metadata=door.person("submitter"))
        return str(answer.participant_id)

    chosen = await asyncio.gather(*(one(number) for number in range(16)))
    assert sorted(chosen) == sorted(f"agent.{name}" for name in "abcd" for _ in range(4))
