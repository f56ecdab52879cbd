"""What the schema alone can say of a request: required fields, known enum values.

Everything else is parsed by the domain into values that cannot be wrong.
"""

from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from phoenix_runtime.chassis.schema import required
from phoenix_runtime.core.errors import FieldInvalid, Violation

OURS = "phoenix_dma."


def validate(request: Message) -> None:
    """Raise `FieldInvalid` with every violation of ``request`` at once, by field path."""
    violations = list(_violations(request, ""))
    if violations:
        raise FieldInvalid(violations)


@cache
def _checked(message: Descriptor) -> tuple[tuple[FieldDescriptor, bool], ...]:
    """The fields of a message that have anything to check, and whether each is required."""
    return tuple(
        (field, required(field))
        for field in message.fields
        if required(field) or field.enum_type is not None or _inner(field) is not None
    )


def _inner(field: FieldDescriptor) -> Descriptor | None:
    """The message inside ``field`` where it is one of ours."""
    inner = field.message_type
    if inner is None or inner.GetOptions().map_entry or not inner.full_name.startswith(OURS):
        return None
    return inner


def _violations(message: Message, path: str) -> Iterator[Violation]:
    for field, is_required in _checked(message.DESCRIPTOR):
        name = f"{path}{field.name}"
        value = getattr(message, field.name)
        if is_required and not _present(message, field, value):
            yield Violation(name, "is required")
        elif field.enum_type is not None:
            yield from _enum_violations(field, value, name)
        elif _inner(field) is not None:
            yield from _inner_violations(message, field, value, name)


def _inner_violations(
    message: Message, field: FieldDescriptor, value: object, name: str
) -> Iterator[Violation]:
    if field.is_repeated:
        for index, item in enumerate(value):  # type: ignore[arg-type, var-annotated]
            yield from _violations(item, f"{name}[{index}].")
    elif message.HasField(field.name):
        yield from _violations(value, f"{name}.")  # type: ignore[arg-type]


def _enum_violations(field: FieldDescriptor, value: object, name: str) -> Iterator[Violation]:
    known = field.enum_type.values_by_number if field.enum_type is not None else {}
    values = value if field.is_repeated else [value]
    for number in values:  # type: ignore[attr-defined]
        if number not in known:
            yield Violation(name, f"has no value {number}")


def _present(message: Message, field: FieldDescriptor, value: object) -> bool:
    """Proto3 scalars count as given when they are not their default."""
    if field.is_repeated:
        return bool(value)
    if field.message_type is not None:
        return message.HasField(field.name)
    return bool(value)
