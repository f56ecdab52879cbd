import grpc.aio
import pytest

from phoenix_runtime.chassis.rpc.statuses import LONGEST_TEXT, refusal_of, status_of, text_of
from phoenix_runtime.core.errors import FieldInvalid, NoEligibleParticipant, Unavailable, Violation

ROOM = 8 * 1024
"""What clients take as trailing metadata."""


def size_on_the_wire(refused: FieldInvalid | NoEligibleParticipant) -> int:
    """The text percent-encoded at worst, the details in base64."""
    return 3 * len(text_of(refused).encode()) + status_of(refused).ByteSize() * 4 // 3


def test_a_refusal_of_very_many_fields_still_arrives() -> None:
    refused = FieldInvalid(Violation(f"field[{n}]", "is wrong " * 50) for n in range(500))
    assert size_on_the_wire(refused) < ROOM
    assert len(text_of(refused)) == LONGEST_TEXT


def test_a_refusal_with_very_many_facts_says_how_many_it_left_out() -> None:
    refused = NoEligibleParticipant(
        "Nobody", {f"agent.{number}": "trust_ok: " + "x" * 300 for number in range(50)}
    )
    assert size_on_the_wire(refused) < ROOM
    assert b"facts_left_out" in status_of(refused).SerializeToString()


def test_a_small_refusal_is_told_whole() -> None:
    refused = NoEligibleParticipant("Nobody", {"agent.1": "active"})
    said = status_of(refused).SerializeToString()
    assert b"facts_left_out" not in said
    assert b"agent.1" in said


@pytest.mark.parametrize("code", ["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"])
def test_a_peer_that_gave_no_answer_is_unavailable(code: str) -> None:
    error = grpc.aio.AioRpcError(grpc.StatusCode[code], grpc.aio.Metadata(), grpc.aio.Metadata())
    assert isinstance(refusal_of(error), Unavailable)
