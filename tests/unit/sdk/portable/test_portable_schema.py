"""The shipped schema is the one definition: our validator and jsonschema agree about it."""

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from phoenix_dma.context import Context
from phoenix_dma.portable import NotPortable, portable_schema, validate
from phoenix_dma.portable.schema import IGNORED, KEYWORDS
from tests.unit.sdk.portable.test_portable_context import WHOLE

GOOD = WHOLE.kinds(Context({}))
PEER = jsonschema.Draft202012Validator(portable_schema())
VALUES: tuple[Any, ...] = (None, True, 3, -1, 0.5, "text", [], {}, ["text"], [{}], {"x": 1})


def keywords(schema: Any) -> Iterator[str]:
    """Every keyword that the schema uses, where a schema stands."""
    if isinstance(schema, dict):
        yield from schema
        for name in ("properties", "$defs"):
            for inner in schema.get(name, {}).values():
                yield from keywords(inner)
        yield from keywords(schema.get("items"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, found in inner if isinstance(value, dict | list) else ():
        yield from places(found, (*path, key)) if isinstance(found, dict | list) else [(*path, key)]


def mutations() -> Iterator[Any]:
    """The good document with one place changed, removed or added to."""
    for path, value in itertools.product(list(places(GOOD)), (*VALUES, "remove", "add")):
        made = copy.deepcopy(GOOD)
        holder: Any = made
        for key in path[:-1]:
            holder = holder[key]
        if value == "remove":
            del holder[path[-1]]
        elif value == "add" and isinstance(holder[path[-1]], dict):
            holder[path[-1]]["more"] = 1
        else:
            holder[path[-1]] = value
        yield made


def refused(document: Any) -> bool:
    try:
        validate(document)
    except NotPortable:
        return True
    return False


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(portable_schema())


def test_our_validator_knows_every_keyword_of_the_schema() -> None:
    assert set(keywords(portable_schema())) <= IGNORED | set(KEYWORDS)


def test_both_validators_agree_about_every_small_change() -> None:
    documents = list(mutations())
    assert len(documents) > 500
    wrong = [one for one in documents if refused(one) == PEER.is_valid(one)]
    assert wrong == []
    assert any(refused(one) for one in documents)
    assert not all(refused(one) for one in documents)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("messages", 2, "role"), "function", "context.messages[2].role is 'function', not"),
        (("messages", 0, "content"), 3, "context.messages[0].content is a int, not string or"),
        (("messages", 0, "extra"), 3, "context.messages[0].extra has no place in the schema"),
        (("metadata", "portable", "version"), 2, "context.metadata.portable.version is 2, not 1"),
        (("metadata", "portable", "plan"), {"steps": []}, "plan.position is missing"),
        (("metadata",), {}, "context.metadata.portable is missing"),
    ],
)
def test_a_refusal_names_the_place(path: tuple[Any, ...], value: Any, said: str) -> None:
    made = copy.deepcopy(GOOD)
    holder: Any = made
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    with pytest.raises(NotPortable) as refusal:
        validate(made)
    assert said in str(refusal.value)


def test_a_refusal_names_every_place() -> None:
    made = {**GOOD, "objective": 1, "artifacts": [{"ref": "x"}]}
    with pytest.raises(NotPortable) as refusal:
        validate(made)
    assert [one.field for one in refusal.value.violations] == [
        "context.objective",
        "context.artifacts[0].name",
    ]
