"""JSON schemas of messages, by the descriptors: what `reading` takes and what `writing` writes.

A message has two schemas. The one of a request knows no other names, takes ``null`` for "not
given", enums in both forms and integers as texts; the one of an answer has all that is always
there as required.
"""

from collections.abc import Collection
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.rest.json_reader import STRUCT
from phoenix_runtime.chassis.rpc.validation import is_id
from phoenix_runtime.chassis.schema import fields_of, required

Schema: TypeAlias = dict[str, Any]

INTEGERS: Final = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}
WIDE: Final = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}
PLAIN: Final[dict[int, Schema]] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
}
KNOWN: Final[dict[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    STRUCT: {"type": "object"},
}
"""Messages with a JSON form of their own."""
DECIMAL: Final[Schema] = {"type": "string", "pattern": "^-?[0-9]{1,20}$"}
"""An integer as a text: what a double cannot hold exactly."""


class Schemas:
    """Collects the schemas that one direction needs; ``$ref`` points at each by its name."""

    def __init__(self, *, given: bool) -> None:
        self._given = given
        self.found: dict[str, Schema] = {}

    def of(self, message: Descriptor, *, without: Collection[str] = ()) -> Schema:
        """The reference to the schema of ``message``, which is collected with all inside it.

        ``without`` the fields that the path fills; a request has one route, so one schema.
        """
        known = KNOWN.get(message.full_name)
        if known is not None:
            return dict(known)
        name = self._name(message)
        if name not in self.found:
            self.found[name] = {}  # a message may hold itself
            self.found[name] = self._object(message, without)
        return {"$ref": f"#/components/schemas/{name}"}

    def field(self, field: FieldDescriptor) -> Schema:
        """The schema of one field, a list or a map where it is one."""
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"]
            return {"type": "object", "additionalProperties": self._single(inner)}
        if not field.is_repeated:
            return self._single(field)
        made: Schema = {"type": "array", "items": self._single(field)}
        if self._given and required(field):
            made["minItems"] = 1
        return made

    def _name(self, message: Descriptor) -> str:
        plain: str = message.name
        return f"{plain}Input" if self._given and not plain.endswith("Request") else plain

    def _object(self, message: Descriptor, without: Collection[str]) -> Schema:
        fields = [field for field in fields_of(message) if field.name not in without]
        made: Schema = {
            "type": "object",
            "properties": {field.name: self._property(field) for field in fields},
        }
        always = [field.name for field in fields if self._always(field)]
        if always:
            made["required"] = always
        if self._given:
            made["additionalProperties"] = False
        return made

    def _always(self, field: FieldDescriptor) -> bool:
        """Whether an object without the field is none."""
        if self._given:
            return required(field)
        return field.is_repeated or not (field.has_presence or field.enum_type is not None)

    def _property(self, field: FieldDescriptor) -> Schema:
        """A field that need not be given may be null."""
        made = self.field(field)
        if not self._given:
            return made
        if required(field):
            return _given_one(field, made)
        return or_null(made)

    def _single(self, field: FieldDescriptor) -> Schema:
        """The schema of one value."""
        if field.message_type is not None:
            return self.of(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type, listed=field.is_repeated)
        kind = field.cpp_type
        if kind in INTEGERS:
            return self._integer(kind)
        if kind in PLAIN:
            return dict(PLAIN[kind])
        return self._text(field)

    def _text(self, field: FieldDescriptor) -> Schema:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        if self._given and is_id(field.name):
            least = 1 if required(field) else 0
            return {"type": "string", "pattern": f"^[a-z0-9._-]{{{least},128}}$"}
        return {"type": "string"}

    def _integer(self, kind: int) -> Schema:
        least, most = INTEGERS[kind]
        wide = kind in WIDE
        made: Schema = {"type": "integer", "minimum": least, "maximum": most}
        made["format"] = "int64" if wide else "int32"
        return {"anyOf": [made, dict(DECIMAL)]} if self._given or wide else made

    def _enum(self, enum: EnumDescriptor, *, listed: bool) -> Schema:
        """Short names; a request may give the contract's as well, but never the unspecified."""
        prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
        full = [value.name for value in enum.values[1:]]
        short = [name.removeprefix(prefix).lower() for name in full]
        if self._given:
            return {"type": "string", "enum": [*short, *full]}
        return {"type": "string", "enum": [*short, *(["unspecified"] if listed else [])]}


def or_null(schema: Schema) -> Schema:
    """The schema that takes null, which means not given, as well."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _given_one(field: FieldDescriptor, schema: Schema) -> Schema:
    """A required scalar that is empty or 0 counts as not given."""
    if field.is_repeated or field.message_type is not None or field.enum_type is not None:
        return schema
    if field.cpp_type in INTEGERS:
        return {"allOf": [schema, {"not": {"enum": [0]}}]}
    plain = schema.get("type") == "string" and "pattern" not in schema
    return {**schema, "minLength": 1} if plain else schema
