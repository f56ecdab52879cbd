"""`phoenix-dma up`, `down` and `status` as a person uses them: the whole runtime, as processes."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phoenix_runtime.local.data_folder.files import temporary_folder
from phoenix_runtime.local.health import serves
from tests.support.processes.terminal import Terminal, ended
from tests.support.waiting.until import PATIENCE

SERVICES = ("registry", "assignment", "state", "governance", "gateway")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes by pidfd")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal(temporary_folder())
    yield terminal
    terminal.run("down")
    shutil.rmtree(terminal.data)


def all_gone(pids: list[int]) -> bool:
    """Wait until processes that are not ours have ended."""
    return all(_gone(pid) for pid in pids)


def _gone(pid: int) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], PATIENCE)[0])
    finally:
        os.close(handle)


def test_up_serves_everything_and_down_leaves_nothing_running(terminal: Terminal) -> None:
    runtime, programs = terminal.up()
    addresses = terminal.status()["addresses"]
    for service in SERVICES:
        assert asyncio.run(serves(addresses[service])), service
    profile = tomllib.loads(terminal.profile.read_text())
    assert profile["addresses"]["grpc"] == addresses["gateway"]
    assert Path(profile["credential"]).stat().st_mode & 0o777 == 0o600

    again = terminal.run("up")
    assert again.returncode == 1
    assert "already up" in again.stderr
    assert str(runtime.pid) in again.stderr

    assert terminal.run("down").returncode == 0
    code, said = ended(runtime)
    assert code == 0, said
    assert "to try:" in said
    assert all_gone(programs)
    assert terminal.status() == {"up": False, "data": str(terminal.data)}


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.long)]
)
def test_a_signal_stops_every_child(terminal: Terminal, number: signal.Signals) -> None:
    runtime, programs = terminal.up()
    runtime.send_signal(number)
    code, said = ended(runtime)
    assert code == 0, said
    assert all_gone(programs)


def test_a_killed_runtime_takes_every_child_along_and_the_next_one_recovers(
    terminal: Terminal,
) -> None:
    runtime, programs = terminal.up()
    runtime.kill()
    ended(runtime)
    runtime, others = terminal.up()
    assert all_gone(programs)
    assert not set(programs) & set(others)


def test_after_kill_9_of_everything_the_next_runtime_recovers(terminal: Terminal) -> None:
    runtime, programs = terminal.up()
    runtime.kill()
    for pid in programs:
        _kill_if_there(pid)
    ended(runtime)
    terminal.up()
    assert terminal.status()["up"]


def test_a_dead_part_is_reported_and_ends_the_runtime(terminal: Terminal) -> None:
    runtime, programs = terminal.up()
    _kill_first(programs, lambda name: name == "state_svc")
    code, said = ended(runtime)
    assert code == 1
    assert "state_svc was ended by signal 9" in said
    assert all_gone(programs)


def test_a_detached_runtime_goes_on_without_its_terminal(terminal: Terminal) -> None:
    started = terminal.run("up", "--ports", "free", "--detach")
    assert started.returncode == 0, started.stderr
    assert "the runtime is up" in started.stdout
    assert terminal.status()["up"]


def test_a_port_that_is_taken_is_named_with_its_part(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = terminal.run("up", "--ports", "free", "--port", f"registry={port}")
    assert refused.returncode == 1
    assert f"port {port} (registry) is taken" in refused.stderr


def _kill_if_there(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill_first(programs: list[int], wanted: Callable[[str], bool]) -> None:
    """Kill the first of the programs whose name is wanted."""
    for pid in programs:
        if wanted(Path(f"/proc/{pid}/comm").read_text().strip()):
            os.kill(pid, signal.SIGKILL)
            return
    raise AssertionError("no such program")
