"""Each way in which a runtime does not start has a reason for programs and says what to do."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from importlib import import_module, util
from pathlib import Path
from pkgutil import walk_packages

import pytest

import phoenix_runtime.local
from phoenix_dma.cli.output import Output
from phoenix_dma.cli.server import end_failed
from phoenix_runtime.local import ports, valkey
from phoenix_runtime.local.connections import said_as_connection
from phoenix_runtime.local.data_folder.folder import DataFolder, DataFolderUnusable
from phoenix_runtime.local.data_folder.lock import AlreadyUp
from phoenix_runtime.local.errors import LocalRuntimeError, ServerIncomplete
from phoenix_runtime.local.postgres import accounts
from phoenix_runtime.local.postgres.accounts import postgres_binaries
from phoenix_runtime.local.processes.restarts import KeepsDying
from phoenix_runtime.local.processes.supervisor import SAME_USER, NotReady, Program, ProgramDied

DOCS = Path(__file__).parents[3] / "docs" / "cli.md"
SCRIPTS = {"prefork_child", "parent_death", "reaper"}


def errors() -> Iterator[type[LocalRuntimeError]]:
    """Every error of every module of the local runtime."""
    for module in walk_packages(phoenix_runtime.local.__path__, "phoenix_runtime.local."):
        if module.name.rpartition(".")[2] not in SCRIPTS:
            import_module(module.name)
    waiting = [LocalRuntimeError]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.__subclasses__()


def test_every_error_has_a_reason_of_its_kind_and_the_docs_list_it() -> None:
    docs = DOCS.read_text("utf-8")
    found = set(errors()) - {LocalRuntimeError}
    assert len(found) >= 15
    for one in found:
        assert one.__module__.startswith("phoenix_runtime.local"), one
        assert one.reason != LocalRuntimeError.reason, one
    for one in {*found, LocalRuntimeError}:
        assert f"| `{one.reason}` |" in docs, one.reason
        assert one.remedy.endswith("."), one


def test_where_the_remedy_differs_so_does_the_reason(tmp_path: Path) -> None:
    log = tmp_path / "program.log"
    log.write_text("the last words\n")
    program = Program(name="state_svc", command=["x"], log=log)
    died = ProgramDied(program, 1)
    reasons = {
        AlreadyUp(tmp_path, 7).reason,
        ports.PortTaken("x").reason,
        ports.NoSuchPart("x").reason,
        DataFolderUnusable("x").reason,
        ServerIncomplete("x").reason,
        died.reason,
        KeepsDying(5, died).reason,
        NotReady(program, 180.0).reason,
    }
    assert len(reasons) == 8
    assert "the last words" in KeepsDying(5, died).text
    assert KeepsDying(5, died).facts["part"] == "state_svc"


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(DataFolderUnusable, match="file exists") as refused:
        DataFolder(file).create()
    assert refused.value.facts["path"] == str(file)
    with pytest.raises(DataFolderUnusable, match="not a directory"):
        DataFolder(file / "below").create()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full_is_the_folders(tmp_path: Path, number: int) -> None:
    folder = DataFolder(tmp_path)
    with (
        pytest.raises(DataFolderUnusable, match=os.strerror(number).lower()) as refused,
        folder.usable(),
        said_as_connection("starting postgres"),
    ):
        raise OSError(number, os.strerror(number))
    assert refused.value.facts["data"] == str(tmp_path)


def test_an_error_of_the_network_is_not_the_folders(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError), DataFolder(tmp_path).usable():
        raise ConnectionResetError


def test_programs_that_are_missing_are_said_with_what_brings_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(accounts, "INSIDE", tmp_path)
    with pytest.raises(ServerIncomplete, match="--postgres-url"):
        postgres_binaries(SAME_USER)
    monkeypatch.setattr(util, "find_spec", lambda _: None)
    for binary in (valkey.valkey_binary, lambda: postgres_binaries(SAME_USER)):
        with pytest.raises(ServerIncomplete, match=r"phoenix-dma\[server\]"):
            binary()


def test_no_server_for_this_machine_leaves_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = os.uname_result(("Plan9", "host", "1", "1", "pdp11"))
    monkeypatch.setattr(os, "uname", lambda: machine)
    with pytest.raises(ServerIncomplete, match=r"plan9-pdp11.*--redis-url"):
        valkey.valkey_binary()


@pytest.mark.parametrize(("error", "code"), [(ports.PortTaken, 1), (ports.NoSuchPart, 2)])
def test_an_error_is_printed_as_every_refusal(
    capsys: pytest.CaptureFixture[str], error: type[LocalRuntimeError], code: int
) -> None:
    raised = error("one\ntwo \x1b[31m", {"part": "rest"}, remedy="Do that.")
    assert end_failed(raised, Output.TABLE) == code
    assert capsys.readouterr().err.splitlines() == [
        f"{error.reason}: one",
        "two \\x1b[31m",
        "  part: rest",
        "What to do: Do that.",
    ]
    assert end_failed(raised, Output.JSON) == code
    assert json.loads(capsys.readouterr().err) == {
        "error": {
            "reason": error.reason,
            "text": "one\ntwo \x1b[31m",
            "facts": {"part": "rest"},
            "remedy": "Do that.",
        }
    }
