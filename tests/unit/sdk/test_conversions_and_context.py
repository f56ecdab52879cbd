"""Plain values on both sides of the wire, and the document that a checkpoint makes."""

import math

import pytest

from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.context import Context, document_of
from phoenix_dma.declare import participant, task
from phoenix_dma.errors import BY_REASON
from phoenix_dma.v1 import assignment_pb2, common_pb2, registry_pb2
from phoenix_dma.wire.canonical_json import content_hash
from phoenix_dma.wire.conversions import json_of, message_to_dict, number, short, struct_of


def test_json_survives_a_struct_with_whole_numbers_as_whole_numbers() -> None:
    value = {"pairs": [1, 2.5, None, True], "name": "Müller", "deep": {"n": 2**53 - 1}}
    back = json_of(struct_of(value))
    assert back == value
    assert isinstance(back["pairs"][0], int)


def test_a_hash_is_the_same_before_and_after_the_wire() -> None:
    value = {"b": 1, "a": [1.0, 0.1, "é"], "z": None}
    assert content_hash(value) == content_hash(json_of(struct_of(value)))


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53 + 1, object()])
def test_what_json_cannot_carry_is_refused_and_named(value: object) -> None:
    with pytest.raises(ValueError, match=r"value\.found\[0\]"):
        struct_of({"found": [value]})


def test_enumerations_are_spoken_in_their_short_form_and_taken_in_either() -> None:
    assert short(common_pb2.RiskLevel, common_pb2.RISK_LEVEL_HIGH) == "high"
    assert number(common_pb2.RiskLevel, "high") == common_pb2.RISK_LEVEL_HIGH
    assert number(common_pb2.RiskLevel, "RISK_LEVEL_HIGH") == common_pb2.RISK_LEVEL_HIGH
    with pytest.raises(ValueError, match="low, medium, high"):
        number(common_pb2.RiskLevel, "gigantic")


def test_a_message_for_programs_has_the_papers_spelling_and_no_absent_parts() -> None:
    found = message_to_dict(
        registry_pb2.Participant(id="a", status=registry_pb2.PARTICIPANT_STATUS_ACTIVE)
    )
    assert (found["id"], found["status"], found["capabilities"]) == ("a", "active", [])
    assert "trust_score" not in found
    assert "last_heartbeat" not in found


def test_no_limit_of_losses_is_something_else_than_none_given() -> None:
    assert task({"max_losses": 0}).HasField("max_losses")
    assert task({"max_losses": 2}).max_losses == 2
    assert not task({"objective": "o"}).HasField("max_losses")


def test_a_plain_value_is_filed_under_outputs_beside_what_was_known() -> None:
    base = {"objective": "o", "outputs": 1, "decisions": ["d"]}
    assert document_of(base, [2]) == {"objective": "o", "outputs": [2], "decisions": ["d"]}


def test_none_is_a_value_and_no_value_leaves_the_outputs_alone() -> None:
    assert document_of({"outputs": 1}, None) == {"outputs": None}
    assert document_of({"outputs": 1}, kinds={"decisions": []}) == {"outputs": 1, "decisions": []}


def test_a_context_takes_the_place_of_the_whole_document() -> None:
    newer = Context({"outputs": 2}, version=3)
    assert document_of({"outputs": 1, "decisions": []}, newer) == {"outputs": 2}


def test_the_submitted_input_is_no_document_and_is_filed_as_a_value() -> None:
    submitted = Context({"records": []}, version=0)
    assert document_of({"objective": "o"}, submitted) == {
        "objective": "o",
        "outputs": {"records": []},
    }


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="scratchpad"):
        document_of({}, kinds={"scratchpad": "…"})


def test_inputs_are_found_at_every_version() -> None:
    assert Context({"records": [1]}, version=0).inputs == {"records": [1]}
    assert Context({"inputs": {"records": [1]}, "outputs": 2}, version=1).inputs == {"records": [1]}
    assert Context({"records": [1]}, version=0).outputs is None


def test_there_is_one_exception_for_every_reason_of_the_contract() -> None:
    reasons = {name.removeprefix("ERROR_REASON_") for name, _ in common_pb2.ErrorReason.items()}
    unnamed = reasons - set(BY_REASON) - {"UNSPECIFIED", "INTERNAL"}
    assert not unnamed


def test_delays_grow_to_their_ceiling_and_differ() -> None:
    highest = Backoff(0.2, 3.0, draw=lambda: 1.0)
    assert [round(highest.next(), 3) for _ in range(6)] == [0.2, 0.4, 0.8, 1.6, 3.0, 3.0]
    lowest = Backoff(0.2, 3.0, draw=lambda: 0.0)
    assert lowest.next() > 0


def test_declarations_are_made_from_the_papers_names() -> None:
    declared = participant(
        {"id": "a", "type": "agent", "owner": "o", "metadata": {"data_domains": ["customer"]}}
    )
    assert json_of(declared.metadata) == {"data_domains": ["customer"]}
    assert not declared.HasField("capacity")
    made = task(
        {"objective": "o", "risk_level": "medium", "start_timeout": 2.5, "on_request": True}
    )
    assert made.start_timeout.ToTimedelta().total_seconds() == 2.5
    assert made.assignment_intent == assignment_pb2.ASSIGNMENT_INTENT_ON_REQUEST
