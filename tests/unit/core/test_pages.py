import base64
import json
from typing import Any

import pytest

from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.pages import moment_of, number_of, page_request

FILTERS = {"tasks": "all"}


def forged(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def test_a_token_leads_back_to_its_sort_key() -> None:
    request = page_request(0, "", FILTERS)
    assert page_request(10, request.token(("2026", "7")), FILTERS).after == ("2026", "7")


def test_a_filter_may_be_any_whole_number() -> None:
    """JSON carries no integer above 2^53, and a generation has 64 bits."""
    token = page_request(0, "", ["resume", 2**63 - 1]).token(("7",))
    assert page_request(0, token, ["resume", 2**63 - 1]).after == ("7",)
    with pytest.raises(FieldInvalid, match="other filters"):
        page_request(0, token, ["resume", 2**63 - 2])


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "////",
        "é",
        forged([]),
        forged([1, 2]),
        forged({"a": 1}),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
    ids=lambda token: token[:12],
)
def test_a_token_that_is_not_ours_is_a_bad_request(token: str) -> None:
    with pytest.raises(FieldInvalid):
        page_request(0, token, FILTERS)


@pytest.mark.parametrize("part", ["", "-1", "1.0", "x", "٣", "9" * 19, "9" * 20, "9" * 5000])
def test_a_number_that_no_column_holds_is_no_part_of_a_sort_key(part: str) -> None:
    with pytest.raises(ValueError, match="sort key"):
        number_of(part)


def test_a_moment_without_a_zone_is_no_part_of_a_sort_key() -> None:
    assert moment_of("2026-01-31T12:00:00+00:00").tzinfo is not None
    for part in ("2026-01-31T12:00:00", "infinity", "9999-99-99"):
        with pytest.raises(ValueError, match=r"."):
            moment_of(part)
