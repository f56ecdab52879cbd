"""What SQLAlchemy describes, as the driver takes it."""

import pytest
from sqlalchemy import bindparam, insert, select, update

from phoenix_runtime.chassis.data.statements import compiled, one_of
from tests.support.sample.store.tables import note

OF_TENANT = select(note.c.text).where(note.c.tenant == bindparam("tenant"))


def test_a_statement_that_is_built_once_is_compiled_once() -> None:
    found = compiled(OF_TENANT, {"tenant": "a"})
    assert compiled(OF_TENANT, {"tenant": "b"}) is found
    assert found.arguments({"tenant": "b"}) == ["b"]


def test_a_parameter_that_is_missing_is_an_error_and_no_null() -> None:
    with pytest.raises(KeyError, match="tenant"):
        compiled(OF_TENANT, {}).arguments({})


def test_the_names_of_the_parameters_say_which_columns_are_written() -> None:
    written = {"tenant": "a", "note_id": "n", "text": "x"}
    found = compiled(insert(note), written)
    assert "version" not in found.text
    assert found.arguments(written) == ["a", "n", "x"]
    changed = update(note).where(note.c.note_id == bindparam("key_note_id"))
    found = compiled(changed, {"key_note_id": "n", "text": "y"})
    assert found.arguments({"key_note_id": "n", "text": "y"}) == ["y", "n"]


def test_a_statement_without_parameters_carries_its_values() -> None:
    found = compiled(select(note.c.text).where(note.c.note_id.in_(["m", "n"])).limit(3), None)
    assert sorted(map(str, found.arguments({}))) == ["3", "m", "n"]


def test_a_list_is_one_parameter_however_long() -> None:
    listed = OF_TENANT.where(one_of(note.c.note_id, "ids"), one_of(note.c.text, ["x", "y"]))
    found = compiled(listed, {"tenant": "a", "ids": []})
    assert found.arguments({"tenant": "a", "ids": ["m", "n"]}) == ["a", ["m", "n"], ["x", "y"]]


def test_a_statement_that_is_built_once_has_no_list_that_is_written_out() -> None:
    listed = OF_TENANT.where(note.c.note_id.in_(["m", "n"]))
    with pytest.raises(TypeError, match="one_of"):
        compiled(listed, {"tenant": "a"})
