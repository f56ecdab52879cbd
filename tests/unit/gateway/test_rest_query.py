import pytest

from gateway.rest.query import read_query
from phoenix_runtime.core.errors import FieldInvalid


def test_names_and_texts_come_in_their_order() -> None:
    assert read_query(b"a=1&b=x+y&a=%C3%A9&c") == [
        ("a", "1"),
        ("b", "x y"),
        ("a", "\u00e9"),
        ("c", ""),
    ]
    assert read_query(b"") == []


@pytest.mark.parametrize(
    "text", [b"%ff", b"%e2%82", b"%c0%af", b"%ed%a0%80", b"%4", b"%zz", b"\xff"]
)
def test_what_is_no_percent_encoded_utf_8_is_refused_by_its_name(text: bytes) -> None:
    with pytest.raises(FieldInvalid) as refused:
        read_query(b"fine=1&task=" + text)
    assert [violation.field for violation in refused.value.violations] == ["task"]


def test_a_name_that_cannot_be_read_is_shown_in_ascii() -> None:
    with pytest.raises(FieldInvalid) as refused:
        read_query(b"%ff=1")
    (violation,) = refused.value.violations
    assert violation.field.isascii()
