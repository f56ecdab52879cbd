"""``phoenix-dma up``, ``down`` and ``status``: a whole deployment on this machine."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from phoenix_dma.cli.calls import TimeIsOver, refusal
from phoenix_dma.cli.output import (
    DataOption,
    Output,
    OutputOption,
    bad,
    print_error,
    print_json,
    print_note,
    say,
)
from phoenix_dma.cli.server import (
    UP,
    end_failed,
    known_of,
    needs_server,
    show_addresses,
    show_up,
)
from phoenix_dma.cli.which_runtime import doubts_about, folder_of
from phoenix_dma.profile import profile_path
from phoenix_dma.wire.starting import default_folder

if TYPE_CHECKING:
    from phoenix_runtime.local.data_folder.folder import DataFolder

DOWN_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05
NOT_RUNNING: Final = 3
"""The exit code of `status` where no runtime is up."""


class Ports(StrEnum):
    """Which ports the parts listen on that have none set by ``--port``."""

    DEFAULT = "default"
    FREE = "free"


UpDataOption = Annotated[
    Path | None,
    typer.Option(
        help="Where its data is kept; ~/.local/share/phoenix-dma (root: /var/lib/phoenix-dma).",
        envvar="PHOENIX_DMA_DATA",
    ),
]
PortsOption = Annotated[
    Ports | None,
    typer.Option(
        help="The customary ports, or free ones; not given: those of the data folder's last start "
        "if they were free ones, else the customary."
    ),
]
PortOption = Annotated[
    list[str] | None,
    typer.Option(help="The port of a part that `status` names: rest=8081. Repeatable."),
]
PostgresOption = Annotated[
    str | None,
    typer.Option(help="A PostgreSQL of your own, as a role that may create roles."),
]
RedisOption = Annotated[
    str | None, typer.Option(help="A Redis or Valkey of your own, instead of the private one.")
]
OpaOption = Annotated[
    str | None, typer.Option(help="An OPA of your own, instead of the embedded engine.")
]
BundleOption = Annotated[
    Path | None,
    typer.Option(help="A policy overlay's folder: applied now and whenever a file changes."),
]
DetachOption = Annotated[
    bool, typer.Option("--detach", help="Return once it serves; it goes on in the background.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up(
    data: UpDataOption = None,
    ports: PortsOption = None,
    port: PortOption = None,
    postgres_url: PostgresOption = None,
    redis_url: RedisOption = None,
    opa_url: OpaOption = None,
    bundle: BundleOption = None,
    detach: DetachOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Start the runtime and keep it running until Ctrl-C or `phoenix-dma down`.

    `--json` prints one line once it is up, and no progress before.
    """
    if bundle is not None and opa_url is not None:
        raise bad("an OPA server takes no overlay: leave out --opa-url, or --bundle", "bundle")
    with needs_server("up", output):
        from phoenix_dma.cli import foreground  # noqa: PLC0415  # imports every service

        options = foreground.LocalRuntimeOptions(
            data=(data or default_folder()).absolute(),
            profile=profile_path(),
            ports=_ports_by_part(port or []),
            free_ports=None if ports is None else ports is Ports.FREE,
            postgres_url=postgres_url,
            redis_url=redis_url,
            opa_url=opa_url,
        )
        if detach:
            raise typer.Exit(_detach(options.data, output))
        raise typer.Exit(foreground.run_until_signal(options, bundle, output))


def down(data: DataOption = None, output: OutputOption = Output.TABLE) -> None:
    """Stop the runtime of the profile, or of `--data`; harmless when it is down."""
    folder = folder_of(data)
    pid = folder.holder()
    if pid is not None:
        _stop(pid, folder, output)
    doubts = doubts_about(data)
    if output is Output.JSON:
        print_json({**_down(folder, doubts), "stopped": pid})
        return
    if pid is None:
        say(f"the runtime in {folder.path} is down")
    else:
        say(f"the runtime is down; its data stays in {folder.path}")
    for doubt in doubts:
        print_note(doubt)


def _stop(pid: int, folder: DataFolder, output: Output) -> None:
    """End the runtime in ``folder`` and wait for it; ends the command where it goes on."""
    from phoenix_runtime.local.processes.reaper import send  # noqa: PLC0415  # see output

    send(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while folder.holder() is not None:
        if time.monotonic() > deadline:
            text = f"process {pid} did not stop within {DOWN_SECONDS:g} s"
            remedy = f"Look into {folder.log('runtime')}; wait and ask again, or: kill -9 {pid}"
            facts = {"pid": str(pid), "data": str(folder.path)}
            raise refusal(TimeIsOver(text, facts, remedy=remedy), output)
        time.sleep(POLL_SECONDS)


def _down(folder: DataFolder, doubts: list[str]) -> dict[str, Any]:
    known: dict[str, Any] = {"up": False, "data": str(folder.path)}
    return {**known, "doubts": doubts} if doubts else known


def status(
    data: DataOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print whether the runtime of the profile, or of `--data`, is up, and its addresses.

    Exit code 3 when it is down.
    """
    folder = folder_of(data)
    record, doubts = folder.record(), doubts_about(data)
    if output is Output.JSON:
        known = _down(folder, doubts)
        print_json(known if record is None else {**known, **known_of(record, folder)})
    else:
        if record is None:
            state = "down" if folder.holder() is None else "starting or stopping"
            say(f"the runtime in {folder.path} is {state}")
        else:
            show_addresses(record, folder)
        for doubt in doubts:
            print_note(doubt)
    if record is None:
        raise typer.Exit(NOT_RUNNING)


def _ports_by_part(texts: list[str]) -> dict[str, int]:
    chosen = {}
    for text in texts:
        part, _, number = text.partition("=")
        if not number.isdecimal():
            raise bad(f"{text}: expected PART=NUMBER", "--port")
        chosen[part] = int(number)
    return chosen


def _detach(data: Path, output: Output) -> int:
    """Start the same command in the background; return once it serves, or could not.

    What it says meanwhile stands in its log, and is said here, too.
    """
    from phoenix_runtime.local.data_folder.folder import DataFolder  # noqa: PLC0415  # see output
    from phoenix_runtime.local.errors import LocalRuntimeError  # noqa: PLC0415  # see output

    folder = DataFolder(data)
    try:
        folder.create()
    except LocalRuntimeError as error:
        return end_failed(error, output)
    log = folder.log("runtime")
    again = [argument for argument in sys.argv[1:] if argument != "--detach"]
    log.touch(mode=0o600)
    begun = log.stat().st_size
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "phoenix_dma.cli", *again],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    said = log.open("rb")
    said.seek(begun)
    # What it says to a program is its own answer, which is given here, or why it failed.
    up = output is Output.JSON
    with said:
        while process.poll() is None:
            record = folder.record()
            up = up or _say_rest(said)
            if record is not None and record.pid == process.pid:
                show_up(record, folder, output)
                return 0
            time.sleep(POLL_SECONDS)
        _say_rest(said)
    return process.returncode


def _say_rest(log: BinaryIO) -> bool:
    """Print what was written to the log since the last time, until it says that it is up."""
    for line in log:
        text = line.decode(errors="replace").rstrip("\n")
        if text.startswith(UP):
            return True
        print_error(text)
    return False
