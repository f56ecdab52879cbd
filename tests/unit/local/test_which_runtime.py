"""`status`, `down` and `audit verify` mean the runtime of the profile unless `--data` is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord
from phoenix_runtime.local.data_folder.known import remember
from phoenix_runtime.local.data_folder.profile import Profile, write_profile

HOLDER = """
import signal, sys
from pathlib import Path
from phoenix_runtime.local.data_folder.folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
folder.create()
folder.lock()
print("locked", flush=True)
signal.pause()
"""


class Runtimes:
    """Processes that hold data folders as runtimes do, and the profile of a user."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.profile = folder / "operator" / "profile.toml"
        self._processes: list[subprocess.Popen[str]] = []

    def up(self, name: str) -> Path:
        """One that is up in a folder of that name, and wrote the profile."""
        data = self.folder / name
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(data)], stdout=subprocess.PIPE, text=True
        )
        self._processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        record = RuntimeRecord(
            pid=process.pid, addresses={"rest": "127.0.0.1:1"}, profile=str(self.profile)
        )
        DataFolder(data).write_record(record)
        credential = data / "operator.jwt"
        written = Profile(grpc="g:1", rest="r", tenant="t", credential=credential, data=data)
        write_profile(self.profile, written)
        remember(self.profile, data)
        return data

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def runtimes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtimes]:
    runtimes = Runtimes(tmp_path)
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(runtimes.profile))
    monkeypatch.delenv("PHOENIX_DMA_DATA", raising=False)
    monkeypatch.setattr("phoenix_dma.wire.starting.default_folder", lambda: tmp_path / "default")
    monkeypatch.setattr(
        "phoenix_runtime.local.data_folder.known.default_folder", lambda: tmp_path / "default"
    )
    yield runtimes
    runtimes.end()


@pytest.fixture
def app() -> typer.Typer:
    return build()


def status(app: typer.Typer, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        CliRunner().invoke(app, ["status", "--output", "json", *arguments]).stdout
    )
    return found


def test_status_finds_the_data_folder_by_the_profile_alone(
    runtimes: Runtimes, app: typer.Typer
) -> None:
    data = runtimes.up("elsewhere")
    found = status(app)
    assert (found["up"], found["data"]) == (True, str(data))
    assert "doubts" not in found


def test_down_stops_the_runtime_of_the_profile_and_says_who_else_is_up(
    runtimes: Runtimes, app: typer.Typer
) -> None:
    other, data = runtimes.up("other"), runtimes.up("elsewhere")
    ended = CliRunner().invoke(app, ["down"])
    assert ended.exit_code == 0, ended.output
    assert DataFolder(data).holder() is None
    assert DataFolder(other).holder() is not None
    assert f"another runtime is up in {other}" in ended.stderr
    assert f"--data {other}" in ended.stderr


def test_a_given_data_folder_goes_before_the_profile_and_the_difference_is_said(
    runtimes: Runtimes, app: typer.Typer
) -> None:
    other, data = runtimes.up("other"), runtimes.up("elsewhere")
    found = status(app, "--data", str(other))
    assert (found["up"], found["data"]) == (True, str(other))
    assert f"is of the runtime in {data}, not of this one" in found["doubts"][0]
    assert f"another runtime is up in {data}" in found["doubts"][1]


def test_a_profile_of_a_runtime_that_is_down_names_the_one_that_is_up(
    runtimes: Runtimes, app: typer.Typer
) -> None:
    other = runtimes.up("other")
    runtimes.up("elsewhere")
    runtimes._processes[-1].kill()
    runtimes._processes[-1].wait()
    asked = CliRunner().invoke(app, ["status"])
    assert asked.exit_code == 3
    assert "is down" in asked.stdout
    assert f"another runtime is up in {other}" in asked.stderr


def test_without_a_profile_the_default_folder_is_meant(
    runtimes: Runtimes, app: typer.Typer
) -> None:
    del runtimes
    assert status(app)["data"].endswith("default")


def test_a_folder_that_is_somebody_elses_is_passed_over(
    runtimes: Runtimes, app: typer.Typer
) -> None:
    other = runtimes.up("other")
    data = runtimes.up("elsewhere")
    (other / "runtime.lock").chmod(0)
    if os.geteuid() != 0:  # root may read it all the same
        assert "doubts" not in status(app)
    assert status(app)["data"] == str(data)


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_runtime_that_is_down_is_told_to_the_verifier_like_every_other_error(
    tmp_path: Path, output: str
) -> None:
    command = ["audit", "verify", "--data", str(tmp_path / "none"), "--output", output]
    shown = CliRunner().invoke(build(), command)
    assert (shown.exit_code, shown.stdout) == (3, "")
    assert "is down" in shown.stderr
    if output == "json":
        assert json.loads(shown.stderr)["error"]["reason"] == "UNAVAILABLE"
    else:
        assert "What to do: Start it: phoenix-dma up --data " in shown.stderr
