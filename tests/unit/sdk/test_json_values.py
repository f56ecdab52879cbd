"""What one obvious form in JSON has gets it; what has none is refused by path and type."""

import dataclasses
import math
from collections import OrderedDict, defaultdict, deque, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs
import numpy as np
import pydantic
import pytest

from phoenix_dma.v1 import common_pb2
from phoenix_dma.wire.canonical_json import content_hash
from phoenix_dma.wire.conversions import json_of, struct_of
from phoenix_dma.wire.json_values import NotJson, json_value

MOMENT = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)


class Colour(Enum):
    RED = "red"
    NESTED = (1, date(2026, 1, 31))


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    YES = "yes"


class Bits(Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Merge:
    left: UUID
    at: datetime
    pairs: set[int]


@attrs.define
class Cluster:
    size: int
    share: Decimal


class Inner(pydantic.BaseModel):
    amount: Decimal
    when: datetime
    blob: bytes = b"\x00\xff"


class Model(pydantic.BaseModel):
    inner: Inner
    colour: Colour = Colour.RED


class Address(pydantic.BaseModel):
    host: IPv4Address


Pair = namedtuple("Pair", "a b")  # also those that nobody typed
ID = UUID("12345678-1234-5678-1234-567812345678")

CONVERTED: dict[str, tuple[Any, Any]] = {
    "none": (None, None),
    "an aware datetime": (MOMENT, "2026-01-31T12:30:00Z"),
    "one of another zone": (
        MOMENT.astimezone(timezone(timedelta(hours=2))),
        "2026-01-31T14:30:00+02:00",
    ),
    "a date": (date(2026, 1, 31), "2026-01-31"),
    "a time of day": (time(12, 30), "12:30:00"),
    "a span": (timedelta(minutes=1.5), 90.0),
    "a Decimal": (Decimal("12.50"), "12.50"),
    "a UUID": (ID, str(ID)),
    "an Enum": (Colour.RED, "red"),
    "an Enum of a tuple": (Colour.NESTED, [1, "2026-01-31"]),
    "an IntEnum": (Level.HIGH, 3),
    "a StrEnum": (Word.YES, "yes"),
    "a Flag": (Bits.A | Bits.B, 3),
    "bytes": (b"\x00\xff", "AP8="),
    "a bytearray": (bytearray(b"a"), "YQ=="),
    "a memoryview": (memoryview(b"a"), "YQ=="),
    "a Path": (Path("/tmp/a"), "/tmp/a"),  # noqa: S108
    "a pure Path": (PurePosixPath("a/b"), "a/b"),
    "a tuple": ((1, 2), [1, 2]),
    "a namedtuple": (Pair(1, 2), [1, 2]),
    "a set": ({3, 1, 2}, [1, 2, 3]),
    "a set of texts": ({"b", "a"}, ["a", "b"]),
    "a set of all kinds": ({1, "a", None}, ["a", 1, None]),
    "a frozenset": (frozenset({2, 1}), [1, 2]),
    "a deque": (deque([1, 2]), [1, 2]),
    "a range": (range(3), [0, 1, 2]),
    "the keys of a dict": ({"a": 1}.keys(), ["a"]),
    "an OrderedDict": (OrderedDict(a=1), {"a": 1}),
    "a defaultdict": (defaultdict(list, a=[1]), {"a": [1]}),
    "a mapping": (MappingProxyType({"a": 1}), {"a": 1}),
    "keys that are numbers": ({1: "a", 2.5: "b"}, {"1": "a", "2.5": "b"}),
    "keys as json.dumps has them": ({True: 1, None: 2}, {"true": 1, "null": 2}),
    "keys with a text of their own": (
        {Colour.RED: 1, ID: 2, date(2026, 1, 31): 3},
        {"red": 1, str(ID): 2, "2026-01-31": 3},
    ),
    "a dataclass": (
        Merge(ID, MOMENT, {2, 1}),
        {"left": str(ID), "at": "2026-01-31T12:30:00Z", "pairs": [1, 2]},
    ),
    "an attrs class": (Cluster(2, Decimal("0.5")), {"size": 2, "share": "0.5"}),
    "a model of pydantic": (
        Model(inner=Inner(amount=Decimal("1.0"), when=MOMENT)),
        {
            "inner": {"amount": "1.0", "when": "2026-01-31T12:30:00Z", "blob": "AP8="},
            "colour": "red",
        },
    ),
    "a model that knows more types": (
        Address(host=IPv4Address("127.0.0.1")),
        {"host": "127.0.0.1"},
    ),
    "numpy integer": (np.int64(7), 7),
    "numpy double": (np.float64(0.5), 0.5),
    "numpy single": (np.float32(0.5), 0.5),
    "numpy bool": (np.bool_(True), True),  # noqa: FBT003
    "numpy text": (np.str_("a"), "a"),
    "numpy array": (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "numpy array of no dimension": (np.array(3), 3),
    "numpy array of objects": (np.array([Decimal(1), None], dtype=object), ["1", None]),
    "numpy integer as a key": ({np.int64(7): 1}, {"7": 1}),
    "a message of the contract": (
        common_pb2.Obligation(id="o", text="t"),
        {
            "id": "o",
            "text": "t",
            "due": "",
            "policy_decision_id": "",
            "fulfilled": False,
            "met_by": "",
            "action": "",
            "evidence": "",
            "met_event_id": "",
        },
    ),
    "the number of Avogadro": (6.02e23, 6.02e23),
    "an integer that a double carries": (2**60, 2.0**60),
}


@pytest.mark.parametrize(("value", "expected"), CONVERTED.values(), ids=CONVERTED)
def test_what_has_one_obvious_form_gets_it(value: Any, expected: Any) -> None:
    found = json_value({"inside": [value]})
    assert found == {"inside": [expected]}
    assert type(found["inside"][0]) is type(expected)
    assert content_hash(found) == content_hash(json_of(struct_of({"inside": [value]})))


class Slotted:
    __slots__ = ("a",)


class Exiting(dict[str, int]):
    def items(self) -> Any:
        raise SystemExit(1)


@dataclasses.dataclass
class Lazy:
    broken: int = dataclasses.field(init=False)


async def never_awaited() -> None:
    return None


def yields() -> Any:
    yield 1


def looped() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


REFUSED: dict[str, tuple[Any, str]] = {
    "a naive datetime": (MOMENT.replace(tzinfo=None), r"datetime.*zone.*replace\(tzinfo=UTC\)"),
    "a naive datetime in a model": (
        Inner(amount=Decimal(1), when=MOMENT.replace(tzinfo=None)),
        r"\.when is a datetime without a zone",
    ),
    "NaN": (math.nan, "nan"),
    "an infinity": (-math.inf, "inf"),
    "NaN of numpy": (np.float64("nan"), "nan"),
    "a Decimal that is no number": (Decimal("NaN"), "Decimal NaN"),
    "an integer that no double carries": (2**53 + 1, r"int.*str\(value\)"),
    "an integer that is too large": (10**400, r"int.*str\(value\)"),
    "a complex number": (1j, "complex"),
    "a fraction": (Fraction(1, 3), "fractions.Fraction"),
    "an object": (object(), "object"),
    "one with slots": (Slotted(), "Slotted"),
    "a class": (Slotted, "its name"),
    "a function": (yields, "function.*its name"),
    "a generator": (yields(), r"generator.*list\(value\)"),
    "an iterator": (iter([1]), r"list_iterator.*list\(value\)"),
    "an exception": (ValueError("x"), r"ValueError.*str\(value\)"),
    "a lone surrogate": ("a\ud800", "surrogate"),
    "a lone surrogate in a path": (Path("a\udcff"), "surrogate"),
    "a key that has no text": ({(1, 2): 3}, "key that is a tuple"),
    "two keys of one name": ({1: "a", "1": "b"}, "name of two keys"),
    "a list in itself": (looped(), "contains itself"),
    "a moment of numpy": (np.datetime64("2026-01-31"), "datetime64.*no zone"),
    "a long double": (np.longdouble(1), "longdouble|float64"),
}


@pytest.mark.parametrize(("value", "says"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_obvious_form_is_refused_by_path_and_type(value: Any, says: str) -> None:
    with pytest.raises(NotJson, match=says) as refused:
        struct_of({"found": [value]}, "result")
    assert refused.value.path.startswith("result.found[0]")
    assert refused.value.remedy in str(refused.value)


@pytest.mark.parametrize("value", [Exiting(), Lazy()])
def test_a_value_whose_own_code_raises_is_refused(value: Any) -> None:
    with pytest.raises(NotJson, match=r"own code raised (SystemExit|AttributeError)"):
        json_value([value], "result")


def test_a_coroutine_was_never_awaited() -> None:
    coroutine = never_awaited()
    with pytest.raises(NotJson, match=r"coroutine.*await it"):
        json_value(coroutine)
    coroutine.close()
