import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.ids import is_identifier
from state_svc.domain.address import ContextAddress, context_address

TASK = "task.customer-merge-review.8841"
ids = st.from_regex(r"[a-z0-9._-]{1,128}", fullmatch=True).filter(is_identifier)


@given(ids, st.none() | st.integers(0, 2**53 - 1))
def test_an_address_reads_back_as_it_was_written(task: str, version: int | None) -> None:
    address = ContextAddress(task, version)
    assert context_address(str(address)) == address


def test_the_papers_addresses_are_read() -> None:
    assert context_address(f"phoenix://context/{TASK}") == ContextAddress(TASK)
    assert context_address(f"phoenix://state/{TASK}/latest") == ContextAddress(TASK)
    assert context_address(f"phoenix://state/{TASK}/3") == ContextAddress(TASK, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "phoenix://",
        "phoenix://context/",
        f"phoenix://context/{TASK}/",
        f"phoenix://context/{TASK}/1",
        f"phoenix://state/{TASK}",
        f"phoenix://state/{TASK}/",
        f"phoenix://state/{TASK}/01",
        f"phoenix://state/{TASK}/-1",
        f"phoenix://state/{TASK}/٣",
        f"phoenix://state/{TASK}/9999999999999999",
        f"phoenix://state/{TASK}/1/2",
        f"phoenix://state/../{TASK}/1",
        "phoenix://state/a..b/1",
        "phoenix://context/%2e%2e",
        "phoenix://context/a?version=1",
        "phoenix://context/a#1",
        "phoenix://user@context/a",
        "phoenix://example.com/context/a",
        "phoenix://context//a",
        "phoenix://context/A",
        "phoenix://context/а",
        "phoenix://context/a\x00",
        "phoenix://context/a\n",
        " phoenix://context/a",
        "PHOENIX://context/a",
        "phoenix:/context/a",
        "file:///etc/passwd",
        "https://context/a",
        "s3://bucket/a@1",
        "phoenix://context/" + "a" * 300,
    ],
)
def test_whatever_is_no_address_of_ours_is_refused_by_field(text: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        context_address(text)
    assert [v.field for v in refused.value.violations] == ["context_ref"]


@given(st.text(max_size=60))
def test_no_text_crashes_the_parser(text: str) -> None:
    for candidate in (text, "phoenix://" + text, "phoenix://state/" + text):
        try:
            address = context_address(candidate)
        except FieldInvalid:
            continue
        assert is_identifier(address.task_id)
