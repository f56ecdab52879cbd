"""Collects what a transaction writes, so that one statement writes it all.

A round trip costs more than what it writes. Rows that a unit only writes wait here until it reads
again or ends; at its end they go with its events (`data.outbox`) in one statement, each as a part
of it (``WITH … AS (UPDATE …)``).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import asyncpg
from sqlalchemy import Executable, Table

from phoenix_runtime.chassis.data.statements import KEPT_STATEMENTS, compiled

_NUMBER: Final = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Write:
    """One statement that writes one row of ``table``; ``row`` has at least its primary key.

    With ``must_exist`` there has to be such a row.
    """

    table: Table
    row: Mapping[str, Any]
    statement: Executable
    parameters: Mapping[str, Any]
    must_exist: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """Which row it writes."""
        return tuple(self.row[column.name] for column in self.table.primary_key)


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of a statement (``name AS (…)``), what to select of them, and their arguments.

    ``judged`` where what they select decides whether anything of the statement may be kept.
    """

    texts: str = ""
    selected: str = ""
    arguments: Sequence[Any] = ()
    judged: bool = False


@dataclass(slots=True)
class Writes:
    """What waits to be written, each row once: parts of one statement do not see each other."""

    _waiting: dict[tuple[str, tuple[Any, ...]], Write] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def judged(self) -> bool:
        """Whether the statement's answer decides if it may be kept: a row has to be there."""
        return any(write.must_exist for write in self._waiting.values())

    def has(self, write: Write) -> bool:
        """Whether the same row waits to be written already."""
        return _place(write) in self._waiting

    def add(self, write: Write) -> None:
        """Let ``write`` wait."""
        self._waiting[_place(write)] = write

    def take(self) -> tuple[Write, ...]:
        """What waited."""
        waiting, self._waiting = tuple(self._waiting.values()), {}
        return waiting


async def write_together(
    raw: "asyncpg.Connection[asyncpg.Record]", writes: Writes, others: Parts | None = None
) -> Sequence[int]:
    """Write what waits and ``others`` by one statement; answers what it selects of the others.

    Raises LookupError where a row that has to be there is not.
    """
    waiting, others = writes.take(), others or Parts()
    parts = _parts(waiting, len(others.arguments) + 1)
    selected = ", ".join(filter(None, (others.selected, parts.selected))) or "1"
    texts = ", ".join(filter(None, (others.texts, parts.texts)))
    row = await raw.fetchrow(
        f"WITH {texts} SELECT {selected}",  # statements of ours, numbered anew
        *others.arguments,
        *parts.arguments,
    )
    found = tuple(row or ())
    checked = [write for write in waiting if write.must_exist]
    first = len(found) - len(checked) if parts.selected else len(found)
    for write, count in zip(checked, found[first:], strict=True):
        if not count:
            raise LookupError(f"{write.table.name}: no row {write.key}")
    return found[:first]


def _place(write: Write) -> tuple[str, tuple[Any, ...]]:
    return write.table.fullname, write.key


def _parts(waiting: Sequence[Write], first: int) -> Parts:
    """``waiting`` as parts of one statement, whose arguments are numbered from ``first``."""
    built = [compiled(write.statement, write.parameters) for write in waiting]
    numbered = _numbered(
        tuple(
            (one.text, len(one.names), write.must_exist)
            for one, write in zip(built, waiting, strict=True)
        ),
        first,
    )
    arguments: list[Any] = []
    for one, write in zip(built, waiting, strict=True):
        arguments += one.arguments(write.parameters)
    return Parts(*numbered, arguments)


@lru_cache(KEPT_STATEMENTS)
def _numbered(texts: tuple[tuple[str, int, bool], ...], first: int) -> tuple[str, str]:
    """Parts of these texts, which have so many arguments, and what to select of those that must.

    A text that must find its row answers how many it found.
    """
    parts, counts, offset = [], [], first - 1
    for number, (text, width, checked) in enumerate(texts, 1):
        name = f"written_{number}"
        parts.append(f"{name} AS ({_shifted(text, offset)}{' RETURNING 1' if checked else ''})")
        counts += [f"(SELECT count(*) FROM {name})"] if checked else []  # noqa: S608
        offset += width
    return ", ".join(parts), ", ".join(counts)


def _shifted(text: str, offset: int) -> str:
    return _NUMBER.sub(lambda number: f"${int(number[1]) + offset}", text)
