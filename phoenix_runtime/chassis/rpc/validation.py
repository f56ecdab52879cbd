"""What the schema alone can say of a request: required fields, known enum values, sound scalars.

A U+0000 in any text is refused here, for every RPC: PostgreSQL takes none, and a text that is kept
in memory first would fail in a loop that works for everybody. So are times and durations that
protobuf itself calls invalid, and, of what a request itself names, ids that can be nobody's and
negative counters: both are known by the names of their fields, which mean the same everywhere.
Everything else is parsed by the domain into values that cannot be wrong.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from phoenix_runtime.chassis.schema import required
from phoenix_runtime.core.characters import NUL, nul_in
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.ids import NO_ID, is_identifier

OURS = "phoenix_dma."
NANOS: Final = 1_000_000_000
FIRST_SECOND: Final = -62_135_596_800
LAST_SECOND: Final = 253_402_214_399
"""The end of 9999-12-30: the database's driver takes the last moment of a calendar for infinity."""
LONGEST_SECONDS: Final = 315_576_000_000
"""Ten thousand years, the longest Duration."""
REQUEST_ID: Final = "request_id"
"""The one id that callers make as they like."""
COUNTERS: Final = frozenset({"epoch", "generation"})
"""They count from 1; where 0 can be sent, it stands for not given."""
WHOLE: Final = frozenset({FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64})


def validate(request: Message) -> None:
    """Raise `FieldInvalid` with every violation of ``request`` at once, by field path."""
    violations = [*_violations(request, ""), *_misnamed(request)]
    if violations:
        raise FieldInvalid(violations)


def _misnamed(request: Message) -> Iterator[Violation]:
    """Ids and counters of the request itself; what it declares inside is the domain's to parse."""
    ids, counters = _naming(request.DESCRIPTOR)
    for name in ids:
        value: str = getattr(request, name)
        # One that is not given is somebody else's question, and U+0000 is refused already.
        if value and NUL not in value and not is_identifier(value):
            yield Violation(name, NO_ID)
    for name in counters:
        if getattr(request, name) < 0:
            yield Violation(name, "is negative; it counts from 1")


@cache
def _naming(message: Descriptor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields of a message that hold an id, and those that hold a counter."""
    single = [field for field in message.fields if not field.is_repeated]
    texts = [field.name for field in single if field.type == FieldDescriptor.TYPE_STRING]
    whole = (field.name for field in single if field.type in WHOLE)
    return tuple(filter(is_id, texts)), tuple(name for name in whole if name in COUNTERS)


def is_id(field: str) -> bool:
    """Whether a text field of that name holds an id, in any message of the contract."""
    return field == "id" or (field.endswith("_id") and field != REQUEST_ID)


Check: TypeAlias = Callable[[Any, Any, str], Iterator[Violation]]
"""Yields what is wrong with a field that is given: the field, its value, its path."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A field that has anything to check."""

    field: FieldDescriptor
    name: str
    required: bool
    check: Check | None


@cache
def _checked(message: Descriptor) -> tuple[Checked, ...]:
    """The fields of a message that have anything to check; asking descriptors takes longer."""
    fields = ((field, required(field), _check_of(field)) for field in message.fields)
    return tuple(
        Checked(field, field.name, is_required, check)
        for field, is_required, check in fields
        if is_required or check is not None
    )


def _check_of(field: FieldDescriptor) -> Check | None:
    """How a value of ``field`` is checked; None where any will do."""
    if field.enum_type is not None:
        return _enum_violations
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text_violations
    if _inner(field) is not None:
        return _inner_violations
    return _moment_violations if _moment(field) else None


def _moment(field: FieldDescriptor) -> bool:
    """Whether ``field`` is a time or a duration."""
    inner = field.message_type
    return inner is not None and inner.full_name in _SOUND and not field.is_repeated


def _inner(field: FieldDescriptor) -> Descriptor | None:
    """The message inside ``field`` where it is one of ours."""
    inner = field.message_type
    if inner is None or inner.GetOptions().map_entry or not inner.full_name.startswith(OURS):
        return None
    return inner


def _violations(message: Message, path: str) -> Iterator[Violation]:
    """What is wrong with a message; a field that is not given is wrong only where it has to be."""
    given = {field.name: value for field, value in message.ListFields()}
    for one in _checked(message.DESCRIPTOR):
        value = given.get(one.name)
        if one.required and not _present(one.field, value):
            yield Violation(f"{path}{one.name}", "is required")
        elif value is not None and one.check is not None:
            yield from one.check(one.field, value, f"{path}{one.name}")


def _text_violations(field: FieldDescriptor, value: Any, name: str) -> Iterator[Violation]:
    if not field.is_repeated:
        if NUL in value:
            yield Violation(name, nul_in(value))
        return
    for index, text in enumerate(value):
        if NUL in text:
            yield Violation(f"{name}[{index}]", nul_in(text))


def _moment_violations(_: FieldDescriptor, value: Any, name: str) -> Iterator[Violation]:
    sound, text = _SOUND[value.DESCRIPTOR.full_name]
    if not sound(value):
        yield Violation(name, text)


def _sound_time(value: Any) -> bool:
    seconds: int = value.seconds
    nanos: int = value.nanos
    return FIRST_SECOND <= seconds <= LAST_SECOND and 0 <= nanos < NANOS


def _sound_duration(value: Any) -> bool:
    """Seconds and nanoseconds in range, and of one sign."""
    seconds: int = value.seconds
    nanos: int = value.nanos
    in_range = abs(seconds) <= LONGEST_SECONDS and abs(nanos) < NANOS
    return in_range and seconds * nanos >= 0


_SOUND: Final = {
    "google.protobuf.Timestamp": (_sound_time, "is no time between years 1 and 9999"),
    "google.protobuf.Duration": (_sound_duration, "is no duration that can be counted"),
}


def _inner_violations(field: FieldDescriptor, value: Any, name: str) -> Iterator[Violation]:
    if field.is_repeated:
        for index, item in enumerate(value):
            yield from _violations(item, f"{name}[{index}].")
    else:
        yield from _violations(value, f"{name}.")


def _enum_violations(field: FieldDescriptor, value: Any, name: str) -> Iterator[Violation]:
    known = field.enum_type.values_by_number if field.enum_type is not None else {}
    values = value if field.is_repeated else [value]
    for number in values:
        if number not in known:
            yield Violation(name, f"has no value {number}")


def _present(field: FieldDescriptor, value: Any) -> bool:
    """Scalars count as given when they are not their default, messages always."""
    if value is None:
        return False
    return True if field.message_type is not None and not field.is_repeated else bool(value)
