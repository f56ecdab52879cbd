"""How columns of assignment are declared, and the metadata that its tables belong to."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB

from phoenix_runtime.chassis.data.tables import service_metadata

metadata = service_metadata("assignment")


def text_(name: str, *, key: bool = False) -> Column[str]:
    """A text."""
    return Column(name, Text, primary_key=key, nullable=False)


def count_(name: str, *, key: bool = False) -> Column[int]:
    """A number that grows."""
    return Column(name, BigInteger, primary_key=key, nullable=False)


def flag_(name: str) -> Column[bool]:
    """Yes or no."""
    return Column(name, Boolean, nullable=False)


def moment_(name: str, *, optional: bool = True) -> Column[object]:
    """A time, absent where it may be."""
    return Column(name, DateTime(timezone=True), nullable=optional)


def document_(name: str, *, optional: bool = False) -> Column[object]:
    """A JSON document."""
    return Column(name, JSONB(none_as_null=True), nullable=optional)


def wake_() -> tuple[Column[object], Column[object]]:
    """When a worker looks at the row, and until when one is on its way."""
    return moment_("wake_at"), moment_("claimed_until")
