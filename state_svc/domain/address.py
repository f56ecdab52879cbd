"""Parses ``phoenix://`` addresses, the only ones that a reader may name.

``phoenix://context/<task>``            the newest context, or the submitted input
``phoenix://state/<task>/latest``       the same
``phoenix://state/<task>/<version>``    one version; 0 is the submitted input
"""

import re
from dataclasses import dataclass

from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.ids import ID_RULE, is_identifier

SCHEME = "phoenix://"
LONGEST = 256
HIGHEST_VERSION = (1 << 53) - 1

_VERSION = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ContextAddress:
    """A parsed address. ``version`` None means the newest."""

    task_id: str
    version: int | None = None

    def __str__(self) -> str:
        if self.version is None:
            return f"{SCHEME}context/{self.task_id}"
        return f"{SCHEME}state/{self.task_id}/{self.version}"


def context_address(text: str, *, field: str = "context_ref") -> ContextAddress:
    """Parse ``text``; raises `FieldInvalid` for whatever is not one of the three forms."""
    problem = _foreign(text)
    if problem:
        raise _refused(field, problem)
    host, _, rest = text.removeprefix(SCHEME).partition("/")
    parts = rest.split("/")
    if host == "context" and len(parts) == 1:
        return ContextAddress(_task(parts[0], field))
    if host == "state" and len(parts) == 2:
        return ContextAddress(_task(parts[0], field), _version(parts[1], field))
    raise _refused(
        field, "is neither phoenix://context/<task> nor phoenix://state/<task>/<version>"
    )


def _foreign(text: str) -> str:
    """Why ``text`` is no ``phoenix://`` path; empty where it may be one."""
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if not text.startswith(SCHEME):
        return "does not begin with phoenix://; no other scheme is read"
    for mark, name in (("?", "query"), ("#", "fragment"), ("@", "user"), ("%", "escape")):
        if mark in text:
            return f"holds a {name} ({mark}); an address has none"
    if ".." in text or "//" in text.removeprefix(SCHEME) or "\\" in text:
        return "has .., \\ or an empty segment; an address is a plain path"
    return ""


def _task(text: str, field: str) -> str:
    """The task id in an address."""
    if not is_identifier(text):
        raise _refused(field, f"names no task: {ID_RULE}")
    return text


def _version(text: str, field: str) -> int | None:
    """The version in an address; None for ``latest``."""
    if text == "latest":
        return None
    if _VERSION.fullmatch(text) is None or int(text) > HIGHEST_VERSION:
        raise _refused(field, "names no version: latest, or a number from 0 without leading zeros")
    return int(text)


def _refused(field: str, text: str) -> FieldInvalid:
    return FieldInvalid([Violation(field, text)])
