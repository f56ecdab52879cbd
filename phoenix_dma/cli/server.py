"""What the commands share that run the server on this machine: is it installed, where is it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer
from rich.table import Table

from phoenix_dma.cli.output import REFUSED, out, print_error

if TYPE_CHECKING:
    from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord

INSTALL: Final = 'pip install "phoenix-dma[server]"'


@contextmanager
def needs_server(command: str) -> Iterator[None]:
    """End the command with one line where a package of the server is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        print_error(
            f"`phoenix-dma {command}` needs the server ({missing.name} is missing): {INSTALL}"
        )
        raise typer.Exit(REFUSED) from missing


def show_addresses(record: RuntimeRecord, folder: DataFolder) -> None:
    """Print the address of each part, the paths of profile, data and logs, and three examples."""
    table = Table("part", "address", box=None, pad_edge=False)
    for part, address in record.addresses.items():
        table.add_row(part, f"http://{address}" if part == "rest" else address)
    out.print(f"the runtime is up (process {record.pid})")
    for upgrade in record.upgrades:
        out.print(upgrade)
    out.print()
    out.print(table)
    out.print(f"\nprofile  {record.profile}\ndata     {folder.path}\nlogs     {folder.logs}\n")
    rest = record.addresses["rest"]
    out.print("to try:")
    out.print("  phoenix-dma participants")
    out.print("  phoenix-dma audit")
    out.print(
        f'  curl -H "authorization: Bearer $(phoenix-dma token)" http://{rest}/audit/events\n',
        soft_wrap=True,
    )
