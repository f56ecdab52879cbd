"""A character that is refused is named, with where it stands and what to do."""

import pytest

from assignment_svc.domain.texts import text_violations
from phoenix_dma.v1 import assignment_pb2
from phoenix_runtime.chassis.rpc.validation import validate
from phoenix_runtime.core.errors import FieldInvalid


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Count\x1b[31m records", "U+001B at offset 5"),
        ("\x85", "U+0085 at offset 0"),
        ("a\nb\tc\u202e", "U+202E at offset 5"),
        ("\U0001f469\ud800", "U+D800 at offset 1"),
    ],
)
def test_an_objective_names_the_first_character_that_is_refused(text: str, found: str) -> None:
    (violation,) = text_violations("task.objective", text, 2000)
    assert (violation.field, violation.text.partition(";")[0]) == (
        "task.objective",
        f"holds {found}",
    )
    assert "leave it out, or spell it" in violation.text


def test_what_people_write_is_fine() -> None:
    assert list(text_violations("task.objective", "two\nlines\tand a tab, müßig 👩", 2000)) == []


def test_u_0000_is_named_with_its_place_in_any_text_of_any_request() -> None:
    task = assignment_pb2.TaskDeclaration(objective="a\0", data_domains=["a", "b\0"])
    with pytest.raises(FieldInvalid) as refused:
        validate(assignment_pb2.SubmitTaskRequest(task=task))
    found = {one.field: one.text for one in refused.value.violations}
    assert found["task.objective"] == "contains the character U+0000 at offset 1; leave it out"
    assert found["task.data_domains[1]"] == found["task.objective"]
