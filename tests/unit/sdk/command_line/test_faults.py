"""What network, disk or permission refuses ends every command with one line and its exit code."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import typer
from click.testing import Result
from grpc.aio import AioRpcError, Metadata
from typer.testing import CliRunner

from phoenix_dma.cli import COMMANDS, build, commands_of
from phoenix_dma.errors import Unavailable

NOTHING = Metadata()
FAULTS: dict[str, tuple[Callable[[], Exception], str, int]] = {
    "reset": (ConnectionResetError, "UNAVAILABLE", 3),
    "aborted": (ConnectionAbortedError, "UNAVAILABLE", 3),
    "no route": (lambda: OSError(errno.EHOSTUNREACH, "No route to host"), "UNAVAILABLE", 3),
    "no network": (lambda: OSError(errno.ENETUNREACH, "Network is down"), "UNAVAILABLE", 3),
    "late": (TimeoutError, "UNAVAILABLE", 3),
    "no such name": (lambda: socket.gaierror(-2, "Name not known"), "UNAVAILABLE", 3),
    "gRPC": (
        lambda: AioRpcError(grpc.StatusCode.INTERNAL, NOTHING, NOTHING, "Stream removed", ""),
        "UNAVAILABLE",
        3,
    ),
    "a refusal": (lambda: Unavailable("away"), "UNAVAILABLE", 3),
    "no file": (lambda: FileNotFoundError(errno.ENOENT, "No such file", "x"), "FILE_UNUSABLE", 2),
    "no right": (lambda: PermissionError(errno.EACCES, "Permission denied", b"x"), None, 2),
    "disk full": (lambda: OSError(errno.ENOSPC, "No space left on device"), "FILE_UNUSABLE", 2),
    "descriptors": (lambda: OSError(errno.EMFILE, "Too many open files"), "SYSTEM_REFUSED", 1),
    "process": (lambda: PermissionError(errno.EPERM, "Not permitted"), "SYSTEM_REFUSED", 1),
}  # type: ignore[assignment]


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let every command fail with ``error`` as soon as it does anything."""

    def fail(*_: object, **__: object) -> None:
        raise error

    commands = {module: commands_of([module]) for module, _ in COMMANDS.values()}
    found: dict[str, Any] = {}
    for module, known in commands.items():
        for name, command in known.items():
            command.params = [param for param in command.params if param.name == "output"]
            command.callback = fail
            if getattr(command, "commands", None):
                command.invoke_without_command, command.no_args_is_help = True, False
            found.setdefault(module, {})[name] = command
    monkeypatch.setattr("phoenix_dma.cli.commands_of", lambda names: found[next(iter(names))])


def ran(*arguments: str) -> Result:
    result: Any = CliRunner().invoke(build(), list(arguments))
    return result  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", FAULTS)
def test_whichever_command_meets_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, reason, code = FAULTS[kind]
    monkeypatch.setattr("phoenix_dma.cli.faults.discard_output", lambda: None)
    failing(monkeypatch, make())
    for command in COMMANDS:
        if command == "run":
            continue
        told = ran(command)
        assert (told.exit_code, told.stdout) == (code, ""), (command, told.exception)
        first, last = told.stderr.strip().splitlines()[0], told.stderr.strip().splitlines()[-1]
        assert first.startswith(f"{reason or 'FILE_UNUSABLE'}: "), command
        assert not first.endswith(": "), command
        assert last.startswith("What to do: "), command


def test_programs_are_told_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, PermissionError(errno.EACCES, "Permission denied", "/a/file"))
    for command in ("tasks", "audit", "doctor", "status", "up", "down", "participants"):
        told = ran(command, "--json")
        assert (told.exit_code, told.stdout) == (2, ""), command
        error = json.loads(told.stderr)["error"]
        assert error["text"] == "/a/file cannot be used: permission denied"
        assert (error["reason"], error["facts"]) == ("FILE_UNUSABLE", {"path": "/a/file"})


@pytest.mark.parametrize("error", [ValueError("a fault of ours"), KeyError("x"), typer.Exit(7)])
def test_a_fault_of_this_program_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing(monkeypatch, error)
    told = ran("tasks")
    if isinstance(error, typer.Exit):
        assert told.exit_code == 7
    else:
        assert told.exception is error


def command_line(*arguments: str, home: Path, out: int = subprocess.PIPE) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "phoenix_dma.cli", *arguments],
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")},
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [("status",), ("doctor", "--json"), ("--version",)])
def test_an_output_without_space(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        told = command_line(*arguments, home=tmp_path, out=full.fileno())
    assert told.returncode == 2, told.stderr
    assert "Traceback" not in told.stderr
    assert "Exception ignored" not in told.stderr
    assert "no space left" in told.stderr


def test_a_script_of_somebody_keeps_its_own_traceback(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("open('/no/such/file')\n")
    told = command_line("run", str(script), home=tmp_path)
    assert "Traceback" in told.stderr
    assert "FILE_UNUSABLE" not in told.stderr


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told = command_line("status", home=tmp_path, out=writing)
    os.close(writing)
    assert "Traceback" not in told.stderr


def test_what_run_itself_needs_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("print('the script')")
    profile = tmp_path / "config" / "phoenix-dma" / "profile.toml"
    profile.parent.mkdir(parents=True)
    profile.write_text("[[[")
    told = command_line("run", str(tmp_path / "script.py"), home=tmp_path)
    assert (told.returncode, told.stdout) == (3, "")
    first, *_, last = told.stderr.strip().splitlines()
    assert first.startswith(f"PROFILE: {profile} is no profile: ")
    assert last.startswith("What to do: ")
