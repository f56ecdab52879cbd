"""What commands share: calls to the runtime, tables, JSON, errors with reason and remedy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

from phoenix_dma.errors import FieldInvalid, PhoenixError, ProfileError, Unavailable
from phoenix_dma.wire.conversions import message_to_dict

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

REFUSED: Final = 1
"""The exit code where the runtime refused."""
UNREACHABLE: Final = 3
"""The exit code where no runtime can be reached, or no profile names one."""

WHOLE: Final = frozenset(
    {"task", "participant", "approval", "certification", "handoff", "event", "time", "score"}
)
"""Columns that are never cut or folded: people copy what is in them."""

PIPED_WIDTH: Final = 200

out = Console(highlight=False)
if not out.is_terminal:
    out.width = PIPED_WIDTH  # a pipe has no width of its own, and would be taken to have 80
err = Console(stderr=True, highlight=False)

Found = TypeVar("Found")


class Output(StrEnum):
    """What a command prints: tables for people, JSON for programs."""

    TABLE = "table"
    JSON = "json"


DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder.", envvar="PHOENIX_DMA_DATA")
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="For people or for programs.")]
LimitOption = Annotated[int, typer.Option(help="At most so many.", min=1)]


def call_runtime(ask: Callable[[AsyncPhoenixClient], Awaitable[Found]], output: Output) -> Found:
    """Return what ``ask`` returns for a client of the profile's runtime.

    An error is printed and ends the command. Exit codes: 1 the runtime refused, 2 the command line
    is wrong, 3 no runtime can be reached.
    """
    # Not at the top: printing a command's help should not wait for gRPC.
    from phoenix_dma.aio.client import AsyncPhoenixClient  # noqa: PLC0415

    async def asked() -> Found:
        async with AsyncPhoenixClient() as client:
            return await ask(client)

    try:
        return asyncio.run(asked())
    except PhoenixError as error:
        print_refusal(error, output)
        unreachable = isinstance(error, ProfileError | Unavailable)
        raise typer.Exit(UNREACHABLE if unreachable else REFUSED) from error
    except (ValueError, TimeoutError) as error:
        print_error(str(error))
        raise typer.Exit(REFUSED) from error


def print_error(text: str) -> None:
    """Print a sentence, or the end of a log, to standard error as it stands."""
    err.print(text, markup=False, soft_wrap=True)


def print_refusal(error: PhoenixError, output: Output) -> None:
    """Print an error to standard error: its reason, its facts and what to do."""
    if output is Output.JSON:
        fields = {"reason": error.reason, "text": error.text, "facts": error.facts}
        err.print_json(json.dumps({"error": {**fields, "remedy": error.remedy}}))
        return
    print_error(f"{error.reason}: {error.text}")
    if isinstance(error, FieldInvalid):
        for violation in error.violations:
            print_error(f"  {violation.field}: {violation.text}")
    for name, fact in sorted(error.facts.items()):
        if name not in {"explanation", "remediation"}:
            print_error(f"  {name}: {fact}")
    print_error(f"What to do: {error.remedy}")


def print_json(value: Any) -> None:
    """Print a message, a list of messages or a JSON value, indented."""
    typer.echo(json.dumps(_json_value(value), indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table without lines, or the text ``empty`` where there are no rows."""
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=name in WHOLE)
    for row in rows:
        table.add_row(*(("" if cell is None else str(cell)) for cell in row))
    if table.row_count:
        out.print(table)
    else:
        out.print(empty, markup=False)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line; empty values are left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        if value not in {None, ""}:
            table.add_row(name, str(value))
    out.print(table)


def one_line(text: str, longest: int = 60) -> str:
    """``text`` on one line, cut to ``longest`` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def _json_value(value: Any) -> Any:
    if isinstance(value, Message):
        return message_to_dict(value)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return value
