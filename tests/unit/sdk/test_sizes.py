"""What transports say of a size, and what they say of a quota."""

import pytest

from phoenix_dma.wire.sizes import Oversize, oversize_of


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("SERVER: Received message larger than max (20 vs. 10)", Oversize("message", 20, 10)),
        ("CLIENT: Sent message larger than max (20 vs. 10)", Oversize("message", 20, 10)),
        (
            "Stream removed (CLIENT: Received message larger than max (20 vs. 10))",
            Oversize("message", 20, 10),
        ),
        ("Decompressed message larger than max", Oversize("message", 0, 0)),
        ("grpc: received message larger than max (20 vs. 10)", Oversize("message", 20, 10)),
        (
            "grpc: received message after decompression larger than max (20 vs. 10)",
            Oversize("message", 20, 10),
        ),
        ("grpc: trying to send message larger than max (20 vs. 10)", Oversize("message", 20, 10)),
        ("gRPC message exceeds maximum size 10: 20", Oversize("message", 20, 10)),
        (
            "received metadata size exceeds soft limit (20 vs. 10);  :path:4B",
            Oversize("metadata", 20, 10),
        ),
        (
            "received metadata size exceeds hard limit (value length 20 vs. 10)",
            Oversize("metadata", 20, 10),
        ),
    ],
)
def test_a_transport_s_words_for_a_size_are_read(words: str, found: Oversize) -> None:
    assert oversize_of(words) == found


@pytest.mark.parametrize("words", [None, "", "Too many pending requests for this server", "quota"])
def test_other_words_stay_a_quota(words: str | None) -> None:
    assert oversize_of(words) is None


def test_the_sentence_says_what_is_known() -> None:
    assert Oversize("input", 3, 2).text == "The input has 3 bytes; at most 2 are taken"
    assert Oversize("message", 0, 0).text == "The message is too large"
    assert Oversize("message", 0, 0).facts == {"what": "message"}
