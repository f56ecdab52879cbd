"""From JSON to messages and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.problems import MalformedBody
from gateway.rest.body import parse
from gateway.rest.json_writer import document
from gateway.rest.requests import MOST_VIOLATIONS, RestRequest, message_of
from gateway.rest.routes import RestRoute, rest_routes
from phoenix_dma.v1 import assignment_pb2, common_pb2, registry_pb2, session_pb2, state_pb2
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.json import Json
from tests.support.builders.payloads import PARTICIPANT, TASK


def route(path: str) -> RestRoute:
    return next(one for one in rest_routes() if one.path == path)


def refused(path: str, request: RestRequest) -> dict[str, str]:
    with pytest.raises(FieldInvalid) as error:
        message_of(route(path), request)
    return {v.field: v.text for v in error.value.violations}


def heartbeat(body: Json) -> session_pb2.HeartbeatRequest:
    message = message_of(route("/participants/heartbeat"), RestRequest(body=body))
    assert isinstance(message, session_pb2.HeartbeatRequest)
    return message


def test_the_papers_participant_is_read_field_by_field() -> None:
    message = message_of(route("/participants/register"), RestRequest(body=parse(PARTICIPANT)))
    assert message == registry_pb2.RegisterParticipantRequest(
        participant=registry_pb2.ParticipantDeclaration(
            id="agent.customer-steward.001",
            type="agent",
            status="active",
            capabilities=["customer_validation", "duplicate_detection", "policy_check"],
            trust_score=0.91,
            owner="data-governance",
            permissions=["read_customer_master", "suggest_merge"],
            state_location="phoenix://state/customer-steward-001",
            endpoint="https://agents.example.com/customer-steward",
            metadata=json_to_struct(
                {"framework": "langgraph", "data_domains": ["customer"], "risk_tier": "medium"}
            ),
        )
    )


@pytest.mark.parametrize("path", ["/tasks/submit", "/tasks/assign"])
def test_the_papers_task_is_read_and_written_back_as_it_was(path: str) -> None:
    message = message_of(route(path), RestRequest(body=parse(TASK)))
    task = message.task  # type: ignore[attr-defined]
    assert task.risk_level == common_pb2.RISK_LEVEL_MEDIUM
    written = document(task)
    assert {name: written[name] for name in json.loads(TASK)} == json.loads(TASK)


def test_the_answer_of_appendix_a_is_written_as_printed() -> None:
    answer = assignment_pb2.AssignTaskResponse(
        assignment_id="assign.00992",
        participant_id="agent.reference-data-steward.004",
        decision=assignment_pb2.ASSIGNMENT_DECISION_APPROVED,
        policy_decision_id="opa.dec.884992",
        explanation="Participant has certified capability and approved reference data permissions.",
    )
    assert document(answer) == {
        "assignment_id": "assign.00992",
        "participant_id": "agent.reference-data-steward.004",
        "decision": "approved",
        "policy_decision_id": "opa.dec.884992",
        "explanation": (
            "Participant has certified capability and approved reference data permissions."
        ),
        "alternatives": [],
    }


@pytest.mark.parametrize("form", ["medium", "RISK_LEVEL_MEDIUM"])
def test_enums_are_taken_in_either_form(form: str) -> None:
    query = RestRequest(query=[("risk_level", form)])
    message = message_of(route("/participants/discover"), query)
    assert message.risk_level == common_pb2.RISK_LEVEL_MEDIUM  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", ["Medium", "MEDIUM", "unspecified", "risk_level_medium", "2", ""])
def test_other_forms_of_an_enum_are_refused_with_the_choices(form: str) -> None:
    found = refused("/tasks/submit", RestRequest(body={"task_id": "t", "risk_level": form}))
    assert found == {"risk_level": "has to be one of low, medium, high"}


def test_query_lists_are_repeated_or_comma_separated() -> None:
    query = [("required_capabilities", "a,b"), ("required_capabilities", "c"), ("page_size", "7")]
    message = message_of(route("/participants/discover"), RestRequest(query=query))
    assert message == registry_pb2.DiscoverParticipantsRequest(
        required_capabilities=["a", "b", "c"], page_size=7
    )


def test_query_times_are_rfc_3339() -> None:
    query = [("since", "2026-06-13T21:00:00Z"), ("type", "TASK_SUBMITTED,TASK_STARTED")]
    message = message_of(route("/audit/events"), RestRequest(query=query))
    assert document(message)["since"] == "2026-06-13T21:00:00Z"
    assert document(message)["type"] == ["TASK_SUBMITTED", "TASK_STARTED"]


def test_a_time_without_a_zone_is_refused_with_how_to_write_it() -> None:
    query = [("since", "2026-06-13T21:00:00")]
    found = refused("/audit/events", RestRequest(query=query))["since"]
    assert "with its zone: 2026-06-13T21:00:00Z or 2026-06-13T23:00:00+02:00" in found


def test_bad_parameters_are_all_named_at_once() -> None:
    query = [
        ("since", "yesterday"),
        ("page_size", "many"),
        ("limit", "3"),
        ("participant", "a"),
        ("participant", "b"),
    ]
    assert set(refused("/audit/events", RestRequest(query=query))) == {
        "since",
        "page_size",
        "limit",
        "participant",
    }


def test_a_route_without_a_body_refuses_one() -> None:
    assert set(refused("/audit/events", RestRequest(body={"task": "t"}))) == {"body"}


def test_unknown_and_missing_fields_are_named_at_once_under_the_callers_own_paths() -> None:
    found = refused("/participants/register", RestRequest(body={"id": "a", "tpye": "agent"}))
    assert found == {
        "tpye": "is no field of this request",
        "type": "is required",
        "owner": "is required",
    }


def test_a_body_that_is_no_object_is_refused() -> None:
    assert refused("/state/checkpoint", RestRequest(body=[1]))["body"] == "has to be a JSON object"
    assert set(refused("/tasks/submit", RestRequest(body="task"))) == {"body"}


def test_camel_case_is_refused_since_one_vocabulary_is_spoken() -> None:
    found = refused("/participants/heartbeat", RestRequest(body={"participantId": "a"}))
    assert found["participantId"] == "is no field of this request"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("load", "high"),
        ("load", True),
        ("load", float("inf")),
        ("generation", 1.5),
        ("generation", True),
        ("generation", "1e3"),
        ("generation", 2**63),
        ("participant_id", 7),
        ("participant_id", "\ud800"),
        ("acknowledged_directives", "d"),
        ("acknowledged_directives", [None]),
        ("status", 1),
    ],
)
def test_values_of_the_wrong_kind_are_refused_by_path(name: str, value: Json) -> None:
    body: dict[str, Json] = {"participant_id": "a", name: value}
    (field,) = refused("/participants/heartbeat", RestRequest(body=body))
    assert field.startswith(name)


def test_null_means_not_given() -> None:
    message = heartbeat({"participant_id": "a", "load": None, "status": None})
    assert not message.HasField("load")
    assert message.status == session_pb2.HEALTH_STATE_UNSPECIFIED


def test_zero_is_not_the_same_as_not_given() -> None:
    assert heartbeat({"participant_id": "a", "load": 0}).HasField("load")


@given(st.integers(0, 2**63 - 1))
def test_64_bit_integers_read_back_exactly_whatever_their_size(number: int) -> None:
    written = document(session_pb2.HeartbeatRequest(generation=number))["generation"]
    assert isinstance(written, int) == (abs(number) <= 2**53)
    assert heartbeat({"participant_id": "a", "generation": written}).generation == number


def test_a_free_object_may_not_hold_what_a_double_would_change() -> None:
    context: Json = {
        "outputs": {"big": 2**53 + 1, "fine": 2**53, "mole": 6.02e23, "list": [{"x": 1e400}]}
    }
    body: Json = {"task_id": "t", "epoch": 1, "context": context}
    assert set(refused("/state/checkpoint", RestRequest(body=body))) == {
        "context.outputs.big",
        "context.outputs.list[0].x",
    }


def test_an_empty_object_is_present() -> None:
    body: Json = {"task_id": "t", "epoch": 1, "context": {}}
    message = message_of(route("/state/checkpoint"), RestRequest(body=body))
    assert message.HasField("context")


def test_the_deepest_object_that_is_taken_can_be_parsed_by_a_service() -> None:
    value: Json = 1
    for _ in range(40):
        value = {"inner": value}
    body: dict[str, Json] = {"task_id": "t", "epoch": 1, "context": value}
    (field,) = refused("/state/checkpoint", RestRequest(body=body))
    assert field.startswith("context.inner")
    value = 1
    for _ in range(28):
        value = {"inner": value}
    body["context"] = value
    message = message_of(route("/state/checkpoint"), RestRequest(body=body))
    assert type(message).FromString(message.SerializeToString()) == message


def test_the_idempotency_key_is_the_request_id() -> None:
    request = RestRequest(body=parse(TASK), idempotency_key="retry-1")
    message = message_of(route("/tasks/submit"), request)
    assert message.request_id == "retry-1"  # type: ignore[attr-defined]


def test_an_idempotency_key_that_contradicts_the_body_is_refused() -> None:
    body: Json = {"task_id": "t", "epoch": 1, "context": {}, "request_id": "a"}
    request = RestRequest(body=body, idempotency_key="b")
    assert set(refused("/state/checkpoint", request)) == {"request_id"}


def test_a_flood_of_misspelt_fields_is_counted() -> None:
    body: Json = {f"x{i}": i for i in range(1000)}
    assert len(refused("/participants/heartbeat", RestRequest(body=body))) == MOST_VIOLATIONS + 1


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1, "a": 2}',
        b'{"x": [{"a": 1, "a": 1}]}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"{",
        b"{} {}",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\x1f\x8b\x08\x00",
    ],
)
def test_a_body_that_can_be_read_in_two_ways_or_none_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse(content)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    try:
        value = parse(content)
    except MalformedBody:
        return
    for one in rest_routes():
        try:
            message_of(one, RestRequest(body=value))
        except FieldInvalid:
            continue


def test_a_bytes_exact_float_is_written_short() -> None:
    assert document(session_pb2.Beat(load=0.3))["load"] == 0.3


def test_a_reference_is_written_with_the_short_name_of_its_protocol() -> None:
    reference = state_pb2.StateReference(
        state_ref="s3://a/b@1", handoff_protocol=state_pb2.HANDOFF_PROTOCOL_COPY_THEN_VERIFY
    )
    assert document(reference)["handoff_protocol"] == "copy_then_verify"


def test_a_free_object_is_written_as_it_was_read() -> None:
    context: Json = {"outputs": {"count": 3, "ratio": 0.5, "list": [1, None, True]}, "a": -0.0}
    body: Json = {"task_id": "t", "epoch": 1, "context": context}
    message = message_of(route("/state/checkpoint"), RestRequest(body=body))
    written = json.dumps(document(message)["context"])
    assert written == '{"a": 0, "outputs": {"count": 3, "list": [1, null, true], "ratio": 0.5}}'
