import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from phoenix_runtime.chassis.data.mapper import (
    JSON_TEXT,
    ColumnCodec,
    RowMapper,
    document_of,
    value_of,
)
from phoenix_runtime.core.json import JsonObject

NOON = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Wheel:
    size: int
    mounted_at: datetime
    color: Color = Color.RED


@dataclass(frozen=True, slots=True)
class Frame:
    frame_id: str
    tags: tuple[str, ...]
    built_at: datetime
    rest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Bicycle:
    frame: Frame
    color: Color
    seats: int
    weight: float
    sold_at: datetime | None = None
    front: Wheel | None = None
    wheels: tuple[Wheel, ...] = ()
    riders: frozenset[str] = frozenset()
    facts: JsonObject | None = None
    photo: bytes = b""


FULL = Bicycle(
    frame=Frame("f-1", ("light", "fast"), NOON, timedelta(seconds=3)),
    color=Color.BLUE,
    seats=2,
    weight=11.5,
    sold_at=NOON,
    front=Wheel(28, NOON),
    wheels=(Wheel(28, NOON), Wheel(26, NOON, Color.BLUE)),
    riders=frozenset({"zoe", "ada"}),
    facts={"any": [1, {"thing": None}]},
    photo=b"\x00\xff",
)
BARE = Bicycle(frame=Frame("f-2", (), NOON), color=Color.RED, seats=1, weight=9.0)
MAPPER = RowMapper(Bicycle, flattened=("frame",))


@pytest.mark.parametrize("bicycle", [FULL, BARE])
def test_a_value_comes_back_from_its_row_as_it_was(bicycle: Bicycle) -> None:
    assert MAPPER.value(MAPPER.row(bicycle)) == bicycle


@pytest.mark.parametrize("bicycle", [FULL, BARE])
def test_what_is_a_document_in_a_row_is_json(bicycle: Bicycle) -> None:
    row = MAPPER.row(bicycle)
    for name in ("front", "wheels", "riders", "tags", "facts"):
        row[name] = json.loads(json.dumps(row[name]))
    assert MAPPER.value(row) == bicycle


def test_columns_hold_plain_values_and_documents_hold_text() -> None:
    assert MAPPER.row(FULL) == {
        "frame_id": "f-1",
        "tags": ["light", "fast"],
        "built_at": NOON,
        "rest": timedelta(seconds=3),
        "color": "blue",
        "seats": 2,
        "weight": 11.5,
        "sold_at": NOON,
        "front": {"size": 28, "mounted_at": NOON.isoformat(), "color": "red"},
        "wheels": [
            {"size": 28, "mounted_at": NOON.isoformat(), "color": "red"},
            {"size": 26, "mounted_at": NOON.isoformat(), "color": "blue"},
        ],
        "riders": ["ada", "zoe"],
        "facts": {"any": [1, {"thing": None}]},
        "photo": b"\x00\xff",
    }


def test_an_enumeration_is_stored_as_plain_text() -> None:
    assert type(MAPPER.row(FULL)["color"]) is str


def test_columns_come_in_the_order_of_the_fields() -> None:
    assert MAPPER.columns[:5] == ("frame_id", "tags", "built_at", "rest", "color")
    assert set(MAPPER.columns) == set(MAPPER.row(FULL))


def test_columns_that_are_no_fields_are_ignored_and_missing_ones_take_their_default() -> None:
    row = MAPPER.row(BARE) | {"tenant": "acme", "claimed_until": None}
    del row["riders"]
    assert MAPPER.value(row) == BARE


def test_a_column_without_default_must_be_there() -> None:
    row = MAPPER.row(BARE)
    del row["seats"]
    with pytest.raises(KeyError, match="seats"):
        MAPPER.value(row)


def test_an_unknown_member_of_an_enumeration_is_refused() -> None:
    with pytest.raises(ValueError, match="green"):
        MAPPER.value(MAPPER.row(BARE) | {"color": "green"})


def test_a_codec_gives_a_column_a_form_of_its_own() -> None:
    mapper = RowMapper(
        Bicycle,
        flattened=("frame",),
        codecs={"facts": JSON_TEXT, "seats": ColumnCodec(str, int)},
    )
    row = mapper.row(FULL)
    assert row["facts"] == '{"any": [1, {"thing": null}]}'
    assert row["seats"] == "2"
    assert mapper.value(row) == FULL


def test_a_value_outside_a_row_is_a_document_too() -> None:
    document = document_of(FULL.wheels[1])
    assert document == {"size": 26, "mounted_at": NOON.isoformat(), "color": "blue"}
    assert value_of(json.loads(json.dumps(document)), Wheel) == FULL.wheels[1]
