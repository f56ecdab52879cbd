"""What somebody says when something ends is data: carried whatever it holds, never refused."""

from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from gateway.rest.json_reader import read_message
from phoenix_dma.v1 import (
    approval_pb2,
    assignment_pb2,
    handoff_pb2,
    registry_pb2,
    session_pb2,
)
from phoenix_dma.wire.reported_text import reported
from phoenix_runtime.chassis.rpc.reported_texts import carry_reported_texts
from phoenix_runtime.chassis.rpc.validation import validate
from phoenix_runtime.chassis.schema import longest_report, rpcs

SAID = {
    "colours of a terminal": "\x1b[31mFAILED\x1b[0m",
    "line ends of a proxy": "502 Bad Gateway\r\nServer: x\r\n",
    "a bidirectional mark": "all is \u202ellew",
    "a character of no width": "all\u200b is well",
    "every control character but one": "".join(map(chr, range(1, 32))) + "\x7f\x85",
    "an unassigned character": "\uffff\U000e0001",
}


def carried(request: Any) -> Any:
    carry_reported_texts(request)
    validate(request)
    return request


@pytest.mark.parametrize("text", SAID.values(), ids=SAID)
def test_a_report_is_kept_as_it_came(text: str) -> None:
    failed = carried(assignment_pb2.FailTaskRequest(task_id="t", epoch=1, message=text))
    assert failed.message == text
    declined = handoff_pb2.DeclineHandoffRequest(handoff_id="h", offer_id="o", reason=text)
    assert carried(declined).reason == text


def test_what_no_database_stores_is_escaped_also_inside_a_stream() -> None:
    failed = carried(assignment_pb2.FailTaskRequest(task_id="t", epoch=1, message="a\0b"))
    assert failed.message == "a\\x00b"
    ack = session_pb2.DirectiveAck(directive_id="directive.1", error="\0")
    acknowledged = carried(session_pb2.KeepAliveRequest(directive_ack=ack))
    assert acknowledged.directive_ack.error == "\\x00"
    decided = approval_pb2.DecideApprovalRequest(approval_id="a", comment="no\0")
    assert carried(decided).comment == "no\\x00"


def test_of_an_endless_report_the_beginning_and_the_end_are_kept() -> None:
    text = "first" + "x" * 3_000_000 + "last"
    failed = carried(assignment_pb2.FailTaskRequest(task_id="t", epoch=1, message=text))
    assert len(failed.message) <= 2000
    assert failed.message.startswith("firstxxx")
    assert failed.message.endswith("xxxlast")
    left_out = len(text) - (2000 - 48)
    assert f"[{left_out} characters left out]" in failed.message


@pytest.mark.parametrize("length", [1999, 2000])
def test_a_report_that_fits_stays_whole(length: int) -> None:
    assert reported("x" * length, 2000) == "x" * length


def test_half_of_a_pair_of_surrogates_is_escaped() -> None:
    assert reported("a\ud83db", 2000) == "a\\ud83db"
    request = assignment_pb2.FailTaskRequest()
    body = {"task_id": "t", "epoch": 1, "message": "a\ud83db"}
    assert not list(read_message(request, body))
    assert request.message == "a\\ud83db"


def test_ids_and_other_texts_keep_their_strictness() -> None:
    found = list(read_message(assignment_pb2.GetTaskRequest(), {"task_id": "\ud83d"}))
    assert [violation.field for violation in found] == ["task_id"]
    suspended = registry_pb2.SuspendParticipantRequest(participant_id="a", reason="a\0")
    carry_reported_texts(suspended)
    assert suspended.reason == "a\0"


def test_every_text_by_which_a_participant_reports_an_end_is_marked() -> None:
    """Those of people, who are asked again at once, are the only ones that may be refused."""
    unmarked = {
        f"{rpc.method}.{field.name}"
        for rpc in rpcs().values()
        for field in rpc.request.DESCRIPTOR.fields
        if field.name in {"reason", "message", "comment", "error", "health"}
        and field.type == FieldDescriptor.TYPE_STRING
        and not longest_report(field)  # type: ignore[arg-type]
    }
    assert unmarked == {
        "SuspendParticipant.reason",
        "ReinstateParticipant.reason",
        "RevokeCertification.reason",
        "DisableIdentity.reason",
    }
