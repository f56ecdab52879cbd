"""``phoenix-dma up``, ``down`` and ``status``: the whole house on this machine."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from phoenix_dma.cli.speech import Data, Output, err, out
from phoenix_dma.profile import profile_path
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.folder import Folder, Standing, default_folder
from phoenix_runtime.local.reaper import send
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from phoenix_runtime.local.supervisor import tail

DOWN_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05


class Ports(StrEnum):
    """Where the house listens unless a port is set one by one."""

    DEFAULT = "default"
    FREE = "free"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up(
    data: Data = None,
    ports: Annotated[
        Ports, typer.Option(help="The customary ports, or free ones.")
    ] = Ports.DEFAULT,
    port: Annotated[
        list[str] | None, typer.Option(help="One part's port: --port rest=8081. Repeatable.")
    ] = None,
    postgres_url: Annotated[
        str | None,
        typer.Option(help="A PostgreSQL of your own, as a role that may create roles."),
    ] = None,
    redis_url: Annotated[
        str | None, typer.Option(help="A Redis or Valkey of your own, instead of the private one.")
    ] = None,
    opa_url: Annotated[
        str | None, typer.Option(help="An OPA of your own, instead of the embedded engine.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return once it serves; it goes on in the background.")
    ] = False,
) -> None:
    """Start the house and keep it running until Ctrl-C or `phoenix-dma down`."""
    options = LocalRuntimeOptions(
        data=(data or default_folder()).absolute(),
        profile=profile_path(),
        ports=_chosen_ports(port or []),
        free_ports=ports is Ports.FREE,
        postgres_url=postgres_url,
        redis_url=redis_url,
        opa_url=opa_url,
    )
    code = _detach(options.data) if detach else asyncio.run(_keep_up(options))
    raise typer.Exit(code)


def down(data: Data = None) -> None:
    """Stop the house; harmless when it is down."""
    folder = Folder(data or default_folder())
    pid = folder.holder()
    if pid is None:
        out.print(f"the house in {folder.path} is down")
        return
    send(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while folder.holder() is not None:
        if time.monotonic() > deadline:
            complain(f"process {pid} did not stop within {DOWN_SECONDS:g} s")
            raise typer.Exit(1)
        time.sleep(POLL_SECONDS)
    out.print("the house is down; its data stays in", str(folder.path))


def status(
    data: Data = None,
    output: Annotated[Output, typer.Option(help="For people or for programs.")] = Output.TABLE,
) -> None:
    """Say whether the house is up, and where; exit code 3 when it is down."""
    folder = Folder(data or default_folder())
    standing = folder.standing()
    if output is Output.JSON:
        known = {"up": standing is not None, "data": str(folder.path)}
        if standing is not None:
            known |= {
                "pid": standing.pid,
                "addresses": standing.addresses,
                "profile": standing.profile,
            }
        typer.echo(json.dumps(known, indent=2))
    elif standing is None:
        state = "down" if folder.holder() is None else "starting or stopping"
        out.print(f"the house in {folder.path} is {state}")
    else:
        _show(standing, folder)
    if standing is None:
        raise typer.Exit(3)


def complain(text: str) -> None:
    """Print a sentence, or a log's end, to standard error as it stands."""
    err.print(text, markup=False, soft_wrap=True)


def _chosen_ports(texts: list[str]) -> dict[str, int]:
    chosen = {}
    for text in texts:
        part, _, number = text.partition("=")
        if not number.isdecimal():
            raise typer.BadParameter(f"{text}: expected PART=NUMBER", param_hint="--port")
        chosen[part] = int(number)
    return chosen


async def _keep_up(options: LocalRuntimeOptions) -> int:
    """Run the house until a signal, or until one of its parts dies; return the exit code."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    house = LocalRuntime(options)
    told = asyncio.create_task(stopping.wait())
    starting = asyncio.create_task(house.start())
    await asyncio.wait({told, starting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return 130
    try:
        standing = starting.result()
    except LocalRuntimeError as error:
        complain(str(error))
        return 1
    _show(standing, house.folder)
    dying = asyncio.create_task(house.until_death())
    await asyncio.wait({told, dying}, return_when=asyncio.FIRST_COMPLETED)
    death = dying.result() if dying.done() else None
    await house.stop()
    if death is None:
        return 0
    complain(str(death))
    return 1


def _detach(data: Path) -> int:
    """Start the same command in the background; return once the house serves, or could not."""
    folder = Folder(data)
    folder.open()
    log = folder.log("house")
    again = [argument for argument in sys.argv[1:] if argument != "--detach"]
    log.touch(mode=0o600)
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "phoenix_dma.cli", *again],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    while process.poll() is None:
        standing = folder.standing()
        if standing is not None and standing.pid == process.pid:
            _show(standing, folder)
            return 0
        time.sleep(POLL_SECONDS)
    complain(tail(log))
    return process.returncode


def _show(standing: Standing, folder: Folder) -> None:
    """Print the addresses, where everything lies, and three things to try."""
    table = Table("part", "address", box=None, pad_edge=False)
    for part, address in standing.addresses.items():
        table.add_row(part, f"http://{address}" if part == "rest" else address)
    out.print(f"the house is up (process {standing.pid})\n")
    out.print(table)
    out.print(f"\nprofile  {standing.profile}\ndata     {folder.path}\nlogs     {folder.logs}\n")
    rest = standing.addresses["rest"]
    out.print("to try:")
    out.print("  phoenix-dma participants")
    out.print("  phoenix-dma audit")
    out.print(
        f'  curl -H "authorization: Bearer $(phoenix-dma token)" http://{rest}/audit/events\n',
        soft_wrap=True,
    )
