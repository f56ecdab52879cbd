"""How commands speak: tables for people, JSON for programs, refusals with reason and remedy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.errors import FieldInvalid, PhoenixError, ProfileError, Unavailable
from phoenix_dma.plain import plain

REFUSED: Final = 1
"""The house said no."""
AWAY: Final = 3
"""There is no house to be reached, or no profile that names one."""

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
    """For people, or for programs."""

    TABLE = "table"
    JSON = "json"


Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder.", envvar="PHOENIX_DMA_DATA")
]
As = Annotated[Output, typer.Option("--output", "-o", help="For people or for programs.")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1)]


def talk(ask: Callable[[AsyncPhoenixClient], Awaitable[Found]], output: Output) -> Found:
    """Ask the house of the profile; a refusal is told on stderr and ends the command.

    Exit codes: 1 the house refused, 2 the command line is wrong, 3 no house can be reached.
    """

    async def asked() -> Found:
        async with AsyncPhoenixClient() as client:
            return await ask(client)

    try:
        return asyncio.run(asked())
    except PhoenixError as error:
        tell(error, output)
        away = isinstance(error, ProfileError | Unavailable)
        raise typer.Exit(AWAY if away else REFUSED) from error
    except (ValueError, TimeoutError) as error:
        err.print(str(error), markup=False)
        raise typer.Exit(REFUSED) from error


def tell(error: PhoenixError, output: Output) -> None:
    """A refusal on stderr: what, why, and what to do about it."""
    if output is Output.JSON:
        said = {"reason": error.reason, "text": error.text, "facts": error.facts}
        err.print_json(json.dumps({"error": {**said, "remedy": error.remedy}}))
        return
    err.print(f"{error.reason}: {error.text}", markup=False, soft_wrap=True)
    if isinstance(error, FieldInvalid):
        for violation in error.violations:
            err.print(f"  {violation.field}: {violation.text}", markup=False, soft_wrap=True)
    for name, fact in sorted(error.facts.items()):
        if name not in {"explanation", "remediation"}:
            err.print(f"  {name}: {fact}", markup=False, soft_wrap=True)
    err.print(f"What to do: {error.remedy}", markup=False, soft_wrap=True)


def show_json(value: Any) -> None:
    """A message, a list of messages, or plain JSON, indented."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """A table without lines; ``empty`` where there are no rows."""
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=name in WHOLE)
    for row in rows:
        table.add_row(*(("" if cell is None else str(cell)) for cell in row))
    if table.row_count:
        out.print(table)
    else:
        out.print(empty, markup=False)


def show_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Name and value, one a line; what is empty is left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        if value not in {None, ""}:
            table.add_row(name, str(value))
    out.print(table)


def one_line(text: str, longest: int = 60) -> str:
    """``text`` cut to a cell's length."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
