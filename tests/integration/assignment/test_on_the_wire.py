"""The verbs of tasks over gRPC: requests, answers and refusals as clients see them."""

import pytest
from google.protobuf.json_format import MessageToDict

from phoenix_dma.v1 import (
    assignment_pb2,
)
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core import errors
from phoenix_runtime.core.json import content_hash
from tests.support.builders.keys import bearer
from tests.support.servers.assignment_wire import REVIEW, WiredAssignment, refused, struct

TASK_KEY = {"task_id": REVIEW.task_id, "epoch": 1}


async def test_the_papers_task_is_assigned_started_authorized_checkpointed_and_completed(
    wired: WiredAssignment,
) -> None:
    wired.registry.join("agent.a")
    await assign_twice_with_one_request_id(wired)
    await start_and_authorize(wired)
    await checkpoint_and_resolve(wired)
    await complete_and_read(wired)


async def assign_twice_with_one_request_id(wired: WiredAssignment) -> None:
    request = assignment_pb2.AssignTaskRequest(task=REVIEW, request_id="once")
    assigned = await wired.tasks.AssignTask(request, metadata=wired.person("submitter"))
    assert assigned.decision == assignment_pb2.ASSIGNMENT_DECISION_APPROVED
    assert assigned.assignment_id.startswith("assign.")
    assert assigned.policy_decision_id.startswith("opa.dec.")
    assert len(assigned.score.terms) == 5
    again = await wired.tasks.AssignTask(request, metadata=wired.person("submitter"))
    assert again == assigned


async def start_and_authorize(wired: WiredAssignment) -> None:
    me = wired.agent("agent.a")
    started = await wired.tasks.StartTask(assignment_pb2.StartTaskRequest(**TASK_KEY), metadata=me)
    assert started.briefing.task.status == assignment_pb2.TASK_STATUS_ACTIVE
    assert started.briefing.context.version == 0
    authorized = await wired.tasks.AuthorizeAction(
        assignment_pb2.AuthorizeActionRequest(
            **TASK_KEY,
            kind=assignment_pb2.ACTION_KIND_DATA_READ,
            name="read_candidates",
            domain="customer_master",
            subject=struct(batch=1),
        ),
        metadata=me,
    )
    assert authorized.subject_hash == content_hash({"batch": 1})


async def checkpoint_and_resolve(wired: WiredAssignment) -> None:
    """Both reach assignment through the state service."""
    me = wired.agent("agent.a", service="state")
    recorded = await wired.tasks.RecordCheckpoint(
        assignment_pb2.RecordCheckpointRequest(
            **TASK_KEY, hash=content_hash({"outputs": []}), size_bytes=14
        ),
        metadata=me,
    )
    assert recorded.pointer.context_ref == f"phoenix://state/{REVIEW.task_id}/1"
    resolved = await wired.tasks.ResolveContext(
        assignment_pb2.ResolveContextRequest(task_id=REVIEW.task_id),
        metadata=wired.agent("agent.a", service="state"),
    )
    assert resolved.pointer == recorded.pointer


async def complete_and_read(wired: WiredAssignment) -> None:
    done = await wired.tasks.CompleteTask(
        assignment_pb2.CompleteTaskRequest(**TASK_KEY, result=struct(merge=True)),
        metadata=wired.agent("agent.a"),
    )
    assert done.task.status == assignment_pb2.TASK_STATUS_SUCCEEDED
    seen = await wired.tasks.GetTask(
        assignment_pb2.GetTaskRequest(task_id=REVIEW.task_id), metadata=wired.person("auditor")
    )
    assert MessageToDict(seen.task.result) == {"merge": True}
    pointers = await wired.tasks.ListContextPointers(
        assignment_pb2.ListContextPointersRequest(task_id=REVIEW.task_id),
        metadata=wired.person("auditor") + wired.beside("state"),
    )
    assert [one.version for one in pointers.pointers] == [1]


async def test_refusals_keep_their_class_and_facts_on_the_wire(wired: WiredAssignment) -> None:
    person = wired.person("submitter", "operator")
    nobody = await refused(
        wired.tasks.AssignTask(assignment_pb2.AssignTaskRequest(task=REVIEW), metadata=person)
    )
    assert isinstance(nobody, errors.NoEligibleParticipant)
    assert nobody.facts["human.1"] == "capacity"
    wrong = assignment_pb2.TaskDeclaration(task_id="No", priority=-1)
    invalid = await refused(
        wired.tasks.SubmitTask(assignment_pb2.SubmitTaskRequest(task=wrong), metadata=person)
    )
    assert isinstance(invalid, errors.FieldInvalid)
    assert {one.field for one in invalid.violations} >= {"task.task_id", "task.objective"}
    unknown = await refused(
        wired.tasks.GetTask(assignment_pb2.GetTaskRequest(task_id="t"), metadata=person)
    )
    assert isinstance(unknown, errors.NotFound)
    token = assignment_pb2.ListTasksRequest(page_token="x")
    assert isinstance(
        await refused(wired.tasks.ListTasks(token, metadata=person)), errors.FieldInvalid
    )
    outside = await refused(
        wired.tasks.ResolveContext(
            assignment_pb2.ResolveContextRequest(task_id=REVIEW.task_id), metadata=person
        )
    )
    assert isinstance(outside, errors.NotPermitted)


async def test_another_tenant_sees_nothing(wired: WiredAssignment) -> None:
    await wired.tasks.SubmitTask(
        assignment_pb2.SubmitTaskRequest(task=REVIEW), metadata=wired.person("submitter")
    )
    outsider = bearer(wired.keys.token("operator", tenant=new_id("tenant")))
    request = assignment_pb2.GetTaskRequest(task_id=REVIEW.task_id)
    assert isinstance(
        await refused(wired.tasks.GetTask(request, metadata=outsider)), errors.NotFound
    )
    listed = await wired.tasks.ListTasks(assignment_pb2.ListTasksRequest(), metadata=outsider)
    assert not listed.tasks


@pytest.mark.parametrize(
    "said",
    ["a\0b", "\x1b[31mFAILED\x1b[0m", "502\r\nServer: x", "all is \u202ellew", "x" * 100_000],
    ids=["a zero", "colours", "line ends", "a bidirectional mark", "too much"],
)
async def test_a_task_fails_whatever_its_handler_says(wired: WiredAssignment, said: str) -> None:
    wired.registry.join("agent.a")
    request = assignment_pb2.AssignTaskRequest(task=REVIEW)
    await wired.tasks.AssignTask(request, metadata=wired.person("submitter"))
    me = wired.agent("agent.a")
    await wired.tasks.StartTask(assignment_pb2.StartTaskRequest(**TASK_KEY), metadata=me)
    failing = assignment_pb2.FailTaskRequest(**TASK_KEY, message=said)
    failed = await wired.tasks.FailTask(failing, metadata=me)
    assert failed.task.status == assignment_pb2.TASK_STATUS_FAILED


@pytest.mark.parametrize("retryable", [True, False], ids=["retryable", "final"])
async def test_a_failure_that_is_the_inputs_has_a_reason_of_its_own(
    wired: WiredAssignment, *, retryable: bool
) -> None:
    """Trust reads the reason: what is the input's speaks against nobody who found it."""
    wired.registry.join("agent.a")
    request = assignment_pb2.AssignTaskRequest(task=REVIEW)
    await wired.tasks.AssignTask(request, metadata=wired.person("submitter"))
    me = wired.agent("agent.a")
    await wired.tasks.StartTask(assignment_pb2.StartTaskRequest(**TASK_KEY), metadata=me)
    failing = assignment_pb2.FailTaskRequest(
        **TASK_KEY, message="row 3 has no name", retryable=retryable, input_at_fault=True
    )
    failed = (await wired.tasks.FailTask(failing, metadata=me)).task
    assert failed.reason == "input_at_fault"
    wanted = {True: "PENDING", False: "FAILED"}[retryable]
    assert failed.status == assignment_pb2.TaskStatus.Value(f"TASK_STATUS_{wanted}")
