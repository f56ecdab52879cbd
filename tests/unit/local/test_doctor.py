"""`phoenix-dma doctor` says what is wrong with a set-up, and what to do, with nothing running."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_dma.cli.doctor import client
from phoenix_dma.wire import starting
from phoenix_dma.wire.starting import default_folder
from phoenix_runtime.local import checks
from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord
from phoenix_runtime.local.data_folder.profile import Profile, write_profile

HOUR = 3600.0
NOBODYS = "127.0.0.1:1"


class Setup:
    """A user's profile, credential and data folder, all of which are fine but not up."""

    def __init__(self, folder: Path) -> None:
        self.data = DataFolder(folder / "data")
        self.data.create()
        self.credential = self.data.secrets / "operator.jwt"
        self.enrol(time.time() + HOUR)
        self.profile = folder / "profile.toml"
        self.write(NOBODYS)

    def enrol(self, expires: float) -> None:
        claims = {"sub": "operator", "tenant": "default", "exp": expires}
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        self.credential.write_text(f"header.{payload}.signature")
        self.credential.chmod(0o600)

    def write(self, rest: str) -> None:
        written = Profile(
            grpc=NOBODYS,
            rest=f"http://{rest}",
            tenant="default",
            credential=self.credential,
            data=self.data.path,
        )
        write_profile(self.profile, written)

    def asked(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code, and the problems by what they are about."""
        asked = CliRunner().invoke(build(), ["doctor", "--json"])
        found = json.loads(asked.stdout)
        assert found["ok"] == (asked.exit_code == 0)
        assert all(check["ok"] == (check["remedy"] == "") for check in found["checks"])
        problems = {check["name"]: check for check in found["checks"] if not check["ok"]}
        return asked.exit_code, problems

    def problem(self, name: str) -> str:
        code, problems = self.asked()
        assert code == 1
        return f"{problems[name]['found']} | {problems[name]['remedy']}"


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    for name in [*client.PROXIES, "PHOENIX_DMA_ADDRESS", "PHOENIX_DMA_TOKEN", "PHOENIX_DMA_DATA"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(checks, "CUSTOMARY", {})
    setup = Setup(tmp_path)
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(setup.profile))
    return setup


def test_a_sound_set_up_that_is_down_has_nothing_wrong_but_that(setup: Setup) -> None:
    code, problems = setup.asked()
    assert code == 1
    assert set(problems) == {"profile's gateway", "profile's REST port", "runtime"}
    line = f"phoenix-dma up --data {setup.data.path}"
    assert all(line in problem["remedy"] for problem in problems.values())


def test_people_read_a_line_for_each_point_and_what_to_do(setup: Setup) -> None:
    asked = CliRunner().invoke(build(), ["doctor"])
    assert "ok       python: 3." in asked.stdout
    line = f"phoenix-dma up --data {setup.data.path}"
    assert f"problem  runtime: down\n          what to do: {line}\n" in asked.stdout
    assert "3 problems" in asked.stdout


def test_the_customary_folder_needs_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOENIX_DMA_DATA", raising=False)
    assert starting.up_line(None) == starting.up_line(default_folder()) == "phoenix-dma up"
    monkeypatch.setenv("PHOENIX_DMA_DATA", "/elsewhere")
    assert starting.up_line(default_folder()) == f"phoenix-dma up --data {default_folder()}"
    assert starting.up_line(Path("/elsewhere"), "--ports", "free") == "phoenix-dma up --ports free"


def test_with_the_sdk_alone_the_server_is_installed_first(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "SERVER_PACKAGES", ("no_package_of_that_name",))
    line = f'pip install "phoenix-dma[server]" && phoenix-dma up --data {setup.data.path}'
    _, problems = setup.asked()
    assert all(line in problem["remedy"] for problem in problems.values()), problems
    shown = CliRunner().invoke(build(), ["participants"])
    assert f"Start the runtime with `{line}`" in shown.stderr


def test_no_two_points_have_the_same_name(setup: Setup) -> None:
    setup.data.lock()
    try:
        addresses = dict.fromkeys(("gateway", "rest", "registry", "valkey"), NOBODYS)
        setup.data.write_record(
            RuntimeRecord(pid=os.getpid(), addresses=addresses, profile=str(setup.profile))
        )
        found = CliRunner().invoke(build(), ["doctor", "--json"])
    finally:
        setup.data.unlock()
    names = [check["name"] for check in json.loads(found.stdout)["checks"]]
    assert len(names) == len(set(names)), names
    assert {"gateway", "rest", "profile's gateway", "profile's REST port"} <= set(names)


def test_a_runtime_on_another_machine_is_not_started_from_here(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.01)
    monkeypatch.setenv("PHOENIX_DMA_ADDRESS", "http://runtime.invalid:50050")
    said = setup.problem("profile's gateway")
    assert "phoenix-dma up" not in said
    assert "the runtime on runtime.invalid is up" in said


def test_a_profile_that_is_missing_or_none(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.profile.write_text("no = profile = at all")
    assert "is no profile" in setup.problem("profile")
    setup.profile.unlink()
    assert "which does not exist" in setup.problem("profile")
    monkeypatch.delenv("PHOENIX_DMA_PROFILE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(setup.profile.parent / "empty"))
    assert "there is none at" in setup.problem("profile")


def test_a_profile_that_others_may_write(setup: Setup) -> None:
    setup.profile.chmod(0o622)
    assert "chmod 600" in setup.problem("profile")


def test_a_credential_that_others_may_read_or_that_has_expired_or_is_gone(setup: Setup) -> None:
    setup.credential.chmod(0o644)
    assert f"chmod 600 {setup.credential}" in setup.problem("credential")
    setup.enrol(time.time() - 48 * HOUR)
    assert "expired 2.0 days ago" in setup.problem("credential")
    setup.credential.write_text("no credential")
    assert "is no credential" in setup.problem("credential")
    setup.credential.unlink()
    assert "cannot be read" in setup.problem("credential")


def test_a_proxy_that_calls_to_another_machine_would_go_through(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert "proxy" not in setup.asked()[1]  # loopback is not asked of a proxy
    monkeypatch.setenv("PHOENIX_DMA_ADDRESS", "http://runtime.invalid:50050")
    assert "export no_proxy=runtime.invalid" in setup.problem("proxy")
    monkeypatch.setenv("no_proxy", "runtime.invalid")
    assert "proxy" not in setup.asked()[1]


@pytest.fixture
def rest() -> Iterator[str]:
    """The address of a REST port whose machine is an hour late."""

    class Late(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time.time()) - HOUR)

        def do_GET(self) -> None:  # the base class's name
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Late)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_clocks_that_are_apart(setup: Setup, rest: str) -> None:
    setup.write(rest)
    said = setup.problem("clock")
    apart = re.search(r"this one are (\d+) s apart", said)
    assert apart is not None, said
    assert HOUR <= int(apart[1]) < 2 * HOUR  # the date has whole seconds, and is read later


def test_a_data_folder_that_others_may_enter_or_that_is_somebody_elses(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.data.secrets.chmod(0o755)
    assert f"chmod 700 {setup.data.secrets}" in setup.problem("data folder")
    setup.data.secrets.chmod(0o700)
    mine = os.geteuid()
    monkeypatch.setattr(checks.os, "geteuid", lambda: mine + 1)
    assert f"belongs to user {mine}" in setup.problem("data folder")


def test_a_disk_that_is_nearly_full(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: Usage(1 << 20))
    assert "1 GiB at least" in setup.problem("disk")


def test_a_database_of_another_major_version(setup: Setup) -> None:
    setup.data.postgres.mkdir()
    (setup.data.postgres / "PG_VERSION").write_text("9\n")
    assert "made by PostgreSQL 9" in setup.problem("database")


def test_ports_that_somebody_else_has(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(checks, "CUSTOMARY", {"gateway": port})
        said = setup.problem("ports")
    assert f"{port} (gateway)" in said
    assert "--ports free" in said


def test_the_sdk_alone_is_no_problem_and_a_server_with_a_hole_is(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "SERVER_PACKAGES", ("alembic", "no_such_package"))
    assert "no_such_package is missing" in setup.problem("server")
    monkeypatch.setattr(starting, "SERVER_PACKAGES", ("no_such_package",))
    assert "server" not in setup.asked()[1]


def test_a_runtime_that_is_still_starting(setup: Setup) -> None:
    setup.data.lock()
    try:
        assert f"process {os.getpid()}" in setup.problem("runtime")
    finally:
        setup.data.unlock()
