"""What the commands share that run the server on this machine: is it installed, where is it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from phoenix_dma.cli.calls import print_refusal, refusal
from phoenix_dma.cli.mistakes import CommandLineError
from phoenix_dma.cli.output import (
    REFUSED,
    WRONG,
    Output,
    bad,
    counted,
    print_facts,
    print_json_line,
    print_table,
    say,
)
from phoenix_dma.errors import PhoenixError
from phoenix_dma.wire.starting import INSTALL, default_folder

if TYPE_CHECKING:
    from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord
    from phoenix_runtime.local.errors import LocalRuntimeError

UP: Final = "the runtime is up"


class ServerMissing(PhoenixError):
    """A command runs the server, whose packages are not installed."""

    reason = "SERVER_MISSING"


@contextmanager
def needs_server(command: str, output: Output = Output.TABLE) -> Iterator[None]:
    """End the command with one line where a package of the server is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        text = f"`phoenix-dma {command}` needs the server: {missing.name} is missing"
        raise refusal(ServerMissing(text, remedy=f"Install it: {INSTALL}"), output) from missing


def end_failed(error: LocalRuntimeError, output: Output) -> int:
    """Print why a runtime could not start, or go on, as every refusal; return the exit code.

    The text may hold the end of a log, whose lines stay.
    """
    failed = PhoenixError(error.text, error.facts, remedy=error.remedy)
    failed.reason = error.reason
    print_refusal(failed, output, lines=True)
    return WRONG if error.reason == CommandLineError.reason else REFUSED


def known_of(record: RuntimeRecord, folder: DataFolder) -> dict[str, Any]:
    """What programs are told of a runtime that is up."""
    return {
        "up": True,
        "data": str(folder.path),
        "pid": record.pid,
        "addresses": record.addresses,
        "profile": record.profile,
        "parts": record.parts,
    }


def show_up(record: RuntimeRecord, folder: DataFolder, output: Output) -> None:
    """Print that a runtime has come up: one line for programs, what to try for people."""
    if output is Output.JSON:
        new = {"upgrades": list(record.upgrades), "notes": list(record.notes)}
        print_json_line({**known_of(record, folder), **new})
    else:
        show_addresses(record, folder)


def show_addresses(record: RuntimeRecord, folder: DataFolder) -> None:
    """Print the address of each part, what was restarted, paths, and three examples."""
    rows = [
        (part, f"http://{address}" if part == "rest" else address)
        for part, address in record.addresses.items()
    ]
    say(f"{UP} (process {record.pid})")
    for sentence in (*record.upgrades, *record.notes, *_restarts(record)):
        say(sentence)
    say()
    print_table(("part", "address"), rows, empty="")
    say()
    print_facts((("profile", record.profile), ("data", folder.path), ("logs", folder.logs)))
    say()
    rest = record.addresses["rest"]
    say("to try:")
    say("  phoenix-dma participants")
    say("  phoenix-dma audit")
    say(f'  curl -H "authorization: Bearer $(phoenix-dma token)" http://{rest}/audit/events')
    say()


def _restarts(record: RuntimeRecord) -> Iterator[str]:
    """A sentence about each part that died since the runtime came up."""
    for part, state in record.parts.items():
        if state["up"] and not state["restarts"]:
            continue
        now = "up" if state["up"] else "down, being started again,"
        times = counted(state["restarts"], "restart")
        yield f"{part}: {times}, {now} since {state['since']}; last exit {state['last_exit']}"


def issuer_enrolment(
    file: Path, tenant: str, data: Path | None, output: Output = Output.TABLE
) -> None:
    """Write an enrolment of the issuer itself for ``tenant``, to be removed after its one use.

    Raises typer's error where the data folder has no issuer's key, or ``tenant`` is no id.
    """
    with needs_server("tenant", output):  # not at the top: no part of a command's help
        from phoenix_runtime.local.data_folder.folder import DataFolder  # noqa: PLC0415
        from phoenix_runtime.local.data_folder.keys import write_issuer_enrolment  # noqa: PLC0415

    key = DataFolder(data or default_folder()).keys / "issuer.jwk"
    if not key.exists():
        raise bad(f"{key} is not there: name the data folder of a runtime", "--data")
    try:
        write_issuer_enrolment(file, key, tenant=tenant)
    except ValueError as error:
        raise bad(str(error), "TENANT") from error
