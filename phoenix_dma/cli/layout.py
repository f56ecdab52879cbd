"""Lays tables and facts out for a width, without ever cutting a name.

Only prose is cut, and only on a terminal. People copy ids, so a column is never narrower than its
longest word. Where a table does not fit, its rows become records: the first cell on a line, the
others below it by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size

from phoenix_dma.cli.output import Prose
from phoenix_dma.wire.visible import visible

NARROW: Final = 80
"""Up to this width a table that does not fit whole becomes records, rather than being folded."""
GAP: Final = 2
INDENT: Final = "  "
NARROWEST: Final = 12
LEAST_PROSE: Final = 24
"""A narrower column says nothing: the row is folded, or becomes a record, instead."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; ``strong`` where a terminal shows it bold."""

    text: str
    strong: bool = False


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], width: int | None
) -> list[Line]:
    """The lines of a table; ``width`` None is a pipe, where each row is one line."""
    cells = [[cell(value) for value in row] for row in rows]
    if width is not None:
        _cut(columns, cells, {at for row in rows for at in _prose(row)}, width)
    natural = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    widths = natural if width is None else _fitting(columns, cells, natural, width)
    if widths is None:
        return list(_records(columns, cells, width or NARROW))
    head = Line(_joined(columns, widths), strong=True)
    return [head, *(Line(text) for row in cells for text in _folded(row, widths))]


def facts(pairs: Sequence[tuple[str, object]], width: int | None) -> list[Line]:
    """Names and values, one pair a line; long values go on below their beginning."""
    shown = [(name, cell(value)) for name, value in pairs]
    longest = max((cell_len(name) for name, _ in shown), default=0)
    return [line for name, value in shown for line in _fact(name, value, longest, width)]


def cell(value: object) -> str:
    """A value as one visible line."""
    return "" if value is None else visible(" ".join(str(value).split("\n")))


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width``; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _prose(row: Sequence[object]) -> Iterator[int]:
    return (at for at, value in enumerate(row) if isinstance(value, Prose))


def _cut(columns: Sequence[str], cells: list[list[str]], prose: set[int], width: int) -> None:
    """Cut the columns of prose to what the others leave of the line, or to a record's line."""
    if not prose:
        return
    natural = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    others = sum(wide for at, wide in enumerate(natural) if at not in prose)
    room = (width - others - GAP * (len(columns) - 1)) // len(prose)
    if room < LEAST_PROSE:
        room = width - GAP - max(map(cell_len, columns)) - len(INDENT)
    longest = max(LEAST_PROSE, room)
    for row in cells:
        for at in prose:
            if cell_len(row[at]) > longest:
                row[at] = f"{set_cell_size(row[at], longest - 1).rstrip()}…"


def _fitting(
    columns: Sequence[str], cells: Sequence[Sequence[str]], natural: list[int], width: int
) -> list[int] | None:
    """The widths with which the table fits, or None."""
    spare = width - GAP * (len(columns) - 1)
    if sum(natural) <= spare:
        return natural
    if width <= NARROW:
        return None
    least = [
        min(wide, max(NARROWEST, *(_longest_word(text) for text in column)))
        for wide, column in zip(natural, zip(columns, *cells, strict=True), strict=True)
    ]
    if sum(least) > spare:
        return None
    widths = list(natural)
    while sum(widths) > spare:
        # The widest of those that can be narrower; one at a time, so that they end up even.
        narrower = (at for at, wide in enumerate(widths) if wide > least[at])
        widths[max(narrower, key=widths.__getitem__)] -= 1
    return widths


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split(" ")))


def _folded(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """The lines of one row."""
    parts = [wrapped(text, wide) for text, wide in zip(row, widths, strict=True)]
    for at in range(max(map(len, parts))):
        yield _joined([part[at] if at < len(part) else "" for part in parts], widths)


def _joined(texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = (_padded(text, wide) for text, wide in zip(texts, widths, strict=True))
    return (" " * GAP).join(padded).rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _records(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
    longest = max(map(cell_len, columns[1:]), default=0)
    for row in cells:
        if row[0]:
            yield Line(row[0], strong=True)
        for name, text in zip(columns[1:], row[1:], strict=True):
            if text:
                yield from (
                    Line(INDENT + line.text) for line in _fact(name, text, longest, width - GAP)
                )


def _fact(name: str, value: str, longest: int, width: int | None) -> Iterator[Line]:
    start = longest + GAP
    lines = [value] if width is None else wrapped(value, max(NARROWEST, width - start))
    for at, text in enumerate(lines):
        yield Line((_padded(name if at == 0 else "", start) + text).rstrip())
