"""What commands print, and nothing else prints: lines, tables, listings, JSON, errors.

Whatever is printed may have been stored by somebody else. Here, and nowhere else, it is made safe:
no text is markup, and characters without a glyph are spelled out (`phoenix_dma.wire.visible`).
Nothing heavy is imported: the help of a command waits for this module.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from phoenix_dma.wire.counted import counted as counted  # noqa: PLC0414  # what commands say
from phoenix_dma.wire.visible import visible, visible_json

if TYPE_CHECKING:
    from phoenix_dma.cli.layout import Line
    from phoenix_dma.listing import Listing

REFUSED: Final = 1
"""The exit code where the runtime refused, or what was asked for did not hold."""
WRONG: Final = 2
"""The exit code where the command line, or a file that it names, is wrong."""
UNREACHABLE: Final = 3
"""The exit code where no runtime can be reached, or no profile names one."""
INTERRUPTED: Final = 130
"""The exit code of a command that Ctrl-C ended."""
LEAST_PROSE: Final = 40
"""So many characters of a text of people are shown on however narrow a terminal."""

Item = TypeVar("Item")


class Output(StrEnum):
    """What a command prints: tables for people, JSON for programs."""

    TABLE = "table"
    JSON = "json"


class Prose(str):
    """A text of people in a table: on a terminal it is cut where the line ends, elsewhere never."""

    __slots__ = ()


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The runtime's data folder; that of the profile, else the customary one.",
        envvar="PHOENIX_DMA_DATA",
    ),
]
OutputOption = Annotated[
    Output,
    typer.Option("--output", "-o", help="table for people, json for programs; --json is short."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as --output json.")]
LastOption = Annotated[
    int, typer.Option("--last", "--limit", "-n", help="The newest so many; 0 is all.", min=0)
]


def say(text: str = "", *, strong: bool = False, lines: bool = False) -> None:
    """Print a line; line ends inside ``text`` are spelled out unless ``lines`` keeps them."""
    shown = visible(text, lines=lines)
    typer.echo(typer.style(shown, bold=True) if strong else shown)


def print_error(text: str) -> None:
    """Print a sentence, or the end of a log, to standard error."""
    typer.echo(visible(text, lines=True), err=True)


def print_note(text: str) -> None:
    """Print to standard error what is no error and no part of the answer, such as progress."""
    typer.echo(visible(text), err=True)


def print_json(value: Any) -> None:
    """Print a message, a list of messages or a JSON value, indented."""
    typer.echo(json_text(value))


def print_json_error(value: Any) -> None:
    """Print a JSON value to standard error, indented."""
    typer.echo(json_text(value), err=True)


def print_json_line(value: Any) -> None:
    """Print a message as one line of JSON, at once: one of a stream without an end."""
    typer.echo(json_text(value, indent=None))
    sys.stdout.flush()


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """A message, a list of messages or a JSON value as JSON that is safe to show."""
    return visible_json(json.dumps(_json_value(value), indent=indent, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table without lines, or the text ``empty`` where there are no rows."""
    from phoenix_dma.cli import layout  # noqa: PLC0415  # no part of a command's help

    found = list(rows)
    if found:
        _print_lines(layout.table(columns, found, _width()))
    elif empty:
        say(empty)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line; empty values are left out."""
    from phoenix_dma.cli import layout  # noqa: PLC0415  # no part of a command's help

    shown = [(name, value) for name, value in facts if value not in {None, ""}]
    _print_lines(layout.facts(shown, _width()))


def print_listing(
    found: Listing[Item],
    output: Output,
    columns: Sequence[str],
    row: Callable[[Item], Sequence[object]],
    *,
    empty: str,
) -> None:
    """Print a listing, newest last, and to standard error how many older ones are not shown."""
    if output is Output.JSON:
        print_json(list(found.items))
    else:
        print_table(columns, [row(item) for item in found.items], empty=empty)
    print_more(found)


def print_more(found: Listing[Any]) -> None:
    """Print to standard error how many older items there are, and the command that shows them."""
    if found.more:
        count = f"{found.more:,}" if found.counted else f"at least {found.more:,}"
        print_note(f"{count} more: {_again('--last', '0')}")


def fitted(text: str, used: int = 0) -> str:
    """Prose on one line: whole in a pipe; on a terminal what fits beside ``used`` columns."""
    flat, width = visible(" ".join(text.split())), _width()
    return flat if width is None else shortened(flat, max(LEAST_PROSE, width - used))


def shortened(text: str, longest: int) -> str:
    """``text``, cut to ``longest`` characters; never for ids and names."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def say_whole(text: str, indent: str = "") -> None:
    """Print a stored text of several lines whole, each of its lines behind ``indent``.

    Indented, no line of it can pass for a line of the output itself.
    """
    for line in text.split("\n"):
        say(f"{indent}{line}".rstrip())


def discard_output() -> None:
    """Let nothing more be written: at the program's end Python would fail with it again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def bad(text: str, option: str = "") -> typer.BadParameter:
    """The error that ends a command whose line, or a file that it names, is wrong."""
    return typer.BadParameter(visible(text), param_hint=option or None)


def unreadable(path: object, error: Exception) -> typer.BadParameter:
    """The error that ends a command that cannot read, or write, a file or a folder."""
    if isinstance(error, UnicodeError):
        return bad(f"{path} is no text in UTF-8")
    if not isinstance(error, OSError) or error.strerror is None:
        return bad(str(error))
    where = error.filename if error.filename is not None else path
    return bad(f"{where} cannot be used: {error.strerror[:1].lower()}{error.strerror[1:]}")


def _width() -> int | None:
    """The terminal's width; None where the output is no terminal: it then depends on nothing."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _print_lines(lines: Iterable[Line]) -> None:
    for line in lines:
        say(line.text, strong=line.strong)


def _again(option: str, value: str) -> str:
    """This command line, with ``option`` set to ``value``."""
    given, skip = [], False
    for argument in sys.argv[1:]:
        if not skip and argument.partition("=")[0] not in {"--last", "--limit", "-n"}:
            given.append(argument)
        skip = not skip and argument in {"--last", "--limit", "-n"}
    return shlex.join(["phoenix-dma", *given, option, value])


def _json_value(value: Any) -> Any:
    if hasattr(value, "DESCRIPTOR"):
        from phoenix_dma.wire.conversions import message_to_dict  # noqa: PLC0415  # not for help

        return message_to_dict(value)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return value
