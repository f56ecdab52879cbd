"""Identifiers: those that callers choose, and those that the runtime makes."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

NewId: TypeAlias = Callable[[str], str]
"""``new_id("assign")`` answers ``assign.<uuid7>``: prefixed, unique, sorted by time."""

IDENTIFIER = re.compile(r"[a-z0-9._-]{1,128}", re.ASCII)
"""What an id may look like: so it is safe in an address, a log line and a metric."""

ID_RULE: Final = "lower-case ASCII letters, digits, '.', '_' and '-', 1 to 128, no '..'"
NO_ID: Final = f"is no id: {ID_RULE}"
"""What a refusal says of a field that holds none."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
"""Capabilities, domains, permissions, constraints, types."""


def is_identifier(value: str) -> bool:
    """True for what keeps to `ID_RULE`."""
    return IDENTIFIER.fullmatch(value) is not None and ".." not in value


def is_name(value: str) -> bool:
    """True for a catalogue name: lower-case ASCII, digits and ``_``, 1 to 64 characters."""
    return NAME.fullmatch(value) is not None
