from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from phoenix_dma.v1 import assignment_pb2, gateway_pb2, registry_pb2, session_pb2, state_pb2
from phoenix_runtime.chassis.rpc.validation import LAST_SECOND, validate
from phoenix_runtime.core.errors import FieldInvalid


def fields_refused(request: Any) -> list[str]:
    with pytest.raises(FieldInvalid) as refused:
        validate(request)
    return [violation.field for violation in refused.value.violations]


def submission(**fields: Any) -> assignment_pb2.SubmitTaskRequest:
    return assignment_pb2.SubmitTaskRequest(task=assignment_pb2.TaskDeclaration(**fields))


def test_a_zero_character_is_refused_in_every_text_however_deep() -> None:
    assert fields_refused(assignment_pb2.GetTaskRequest(task_id="a\0b")) == ["task_id"]
    assert fields_refused(submission(objective="\0", data_domains=["a", "b\0"])) == [
        "task.objective",
        "task.data_domains[1]",
    ]
    attach = session_pb2.Attach(participant_id="agent.1", generation=1, credential="\0")
    assert fields_refused(session_pb2.KeepAliveRequest(attach=attach)) == ["attach.credential"]
    filters = registry_pb2.ListParticipantsRequest(types=["agent"], page_token="\0")
    assert fields_refused(filters) == ["page_token"]


@pytest.mark.parametrize("nobody", ["Agent.1", "a b", "..", "\u0430gent", "a" * 129, "' OR 1=1"])
def test_what_can_be_nobodys_id_is_refused_where_a_request_names_something(nobody: str) -> None:
    assert fields_refused(assignment_pb2.GetTaskRequest(task_id=nobody)) == ["task_id"]
    assert fields_refused(session_pb2.HeartbeatRequest(participant_id=nobody)) == ["participant_id"]


def test_services_leave_the_ids_of_a_request_to_the_chassis() -> None:
    checkpoint = state_pb2.CheckpointContextRequest(task_id="A", participant_id="..", epoch=1)
    assert fields_refused(checkpoint) == ["task_id", "participant_id"]
    assert fields_refused(state_pb2.CheckpointContextRequest(epoch=1)) == ["task_id"]
    assert fields_refused(state_pb2.ListCheckpointsRequest(task_id="/")) == ["task_id"]
    assert fields_refused(gateway_pb2.GetTaskDossierRequest(task_id="a b")) == ["task_id"]


def test_what_a_request_declares_inside_is_left_to_the_domain() -> None:
    validate(submission(task_id="Not an id", parent_epoch=-1))


def test_a_request_id_is_the_callers_own() -> None:
    validate(assignment_pb2.CancelTaskRequest(task_id="t", request_id="Any Words"))


@pytest.mark.parametrize("number", [-1, -(2**63)])
def test_a_negative_epoch_or_generation_is_refused(number: int) -> None:
    started = assignment_pb2.StartTaskRequest(task_id="t", epoch=number)
    assert fields_refused(started) == ["epoch"]
    resumed = assignment_pb2.ResumeTasksRequest(generation=number)
    assert fields_refused(resumed) == ["generation"]


@pytest.mark.parametrize(
    "moment",
    [
        Timestamp(seconds=2**62),
        Timestamp(seconds=-62_135_596_801),
        Timestamp(nanos=-1),
        Timestamp(nanos=1_000_000_000),
        Timestamp(seconds=LAST_SECOND + 1),
    ],
    ids=str,
)
def test_a_time_that_no_calendar_or_no_database_has_is_refused(moment: Timestamp) -> None:
    assert fields_refused(submission(deadline=moment)) == ["task.deadline"]


@pytest.mark.parametrize(
    "span",
    [
        Duration(seconds=2**62),
        Duration(seconds=-(2**62)),
        Duration(seconds=5, nanos=2**31 - 1),
        Duration(seconds=5, nanos=-1),
        Duration(seconds=-5, nanos=1),
    ],
    ids=str,
)
def test_a_duration_that_protobuf_calls_invalid_is_refused(span: Duration) -> None:
    assert fields_refused(submission(start_timeout=span)) == ["task.start_timeout"]


def test_what_is_sound_passes() -> None:
    validate(
        submission(
            objective="Grüße",
            deadline=Timestamp(seconds=LAST_SECOND, nanos=999_999_999),
            start_timeout=Duration(nanos=1),
            attempt_timeout=Duration(seconds=-5, nanos=-1),
        )
    )
