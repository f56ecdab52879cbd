"""`phoenix-dma up`, `down` and `status` as a person uses them: the whole runtime, as processes."""

from __future__ import annotations

import asyncio
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc.aio
import pytest

from phoenix_runtime.local.data_folder.files import temporary_folder
from phoenix_runtime.local.decisions import decision, fault_of
from phoenix_runtime.local.health import serves
from phoenix_runtime.local.progress import starting
from tests.support.processes.terminal import Terminal, descendants_of, ended
from tests.support.waiting.until import PATIENCE, until

ENGINE = "governance_svc.adapters.policy_engines.engine_child"
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

    healthy = terminal.run("doctor")
    assert healthy.returncode == 0, healthy.stdout
    for line in ("call: the runtime takes the credential", "policy: decides", "schema: of this"):
        assert f"ok       {line}" in healthy.stdout

    again = terminal.run("up")
    assert again.returncode == 1
    assert "already up" in again.stderr
    assert str(runtime.pid) in again.stderr
    told = json.loads(terminal.run("up", "--json").stderr)["error"]
    assert told["reason"] == "ALREADY_UP"
    assert told["facts"] == {"data": str(terminal.data), "pid": str(runtime.pid)}
    assert "phoenix-dma down" in told["remedy"]

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
    addresses = terminal.status()["addresses"]
    runtime.kill()
    ended(runtime)
    runtime, others = terminal.up()
    assert all_gone(programs)
    assert not set(programs) & set(others)
    assert terminal.status()["addresses"] == addresses  # whoever knows it finds it again


@pytest.mark.long
def test_after_kill_9_of_everything_the_next_runtime_recovers(terminal: Terminal) -> None:
    runtime, programs = terminal.up()
    runtime.kill()
    for pid in programs:
        _kill_if_there(pid)
    ended(runtime)
    terminal.up()
    assert terminal.status()["up"]


def test_every_part_that_is_killed_runs_again_until_one_keeps_dying(terminal: Terminal) -> None:
    runtime, programs = terminal.up()
    # All at once: each of them is started again whatever else is away.
    for name in ("registry_svc", "assignment_svc", "state_svc", "gateway", "valkey-server"):
        _kill(_named(runtime.pid, name))
    _kill(_named(runtime.pid, "postgres"))
    _restarted(terminal, 1, {"postgres", "valkey", "registry", "assignment", "state", "gateway"})
    _kill(_engine(runtime.pid))
    _decides(terminal)
    # What forks the services takes all of them along.
    _kill(_parent(_named(runtime.pid, "gateway")))
    _restarted(terminal, 2, {"registry", "assignment", "state", "gateway"})
    _restarted(terminal, 1, {"governance"})
    _decides(terminal)

    state = terminal.status()["parts"]["state"]
    assert "state_svc was ended by signal 9" in state["last_exit"]
    said = terminal.run("status").stdout
    assert "state: 2 restarts, up since" in said

    with _in_place_of(runtime, terminal, "state"):
        code, said = ended(runtime)
    assert code == 1
    assert "given up after" in said
    assert "state_svc" in said
    assert "its log" in said
    assert all_gone([*programs, *descendants_of(runtime.pid)])


def test_a_detached_runtime_goes_on_without_its_terminal(terminal: Terminal) -> None:
    started = terminal.run("up", "--ports", "free", "--detach")
    assert started.returncode == 0, started.stderr
    assert "the runtime is up" in started.stdout
    for part in ("postgres", "valkey", *SERVICES):
        assert f"{starting(part)}: done after" in started.stderr
    assert "governance, which loads and tests its policy first" in started.stderr
    assert "asking policy for a decision: done after" in started.stderr
    assert terminal.status()["up"]


@pytest.mark.parametrize("detach", [(), pytest.param(("--detach",), marks=pytest.mark.long)])
def test_programs_are_told_of_a_runtime_in_one_line(
    terminal: Terminal, detach: tuple[str, ...]
) -> None:
    with terminal.started("--json", *detach) as runtime:
        assert runtime.stdout is not None
        up = json.loads(runtime.stdout.readline())
        assert up["up"]
        known = terminal.status()
        assert {name: up[name] for name in known} == known
        assert (up["profile"], up["data"]) == (str(terminal.profile), str(terminal.data))
        assert up["addresses"].keys() >= {"gateway", "rest", "postgres", *SERVICES}
        assert detach or up["pid"] == runtime.pid
        down = terminal.run("down", "--json")
        assert json.loads(down.stdout) == {
            "up": False,
            "data": str(terminal.data),
            "stopped": up["pid"],
        }
        assert ended(runtime) == (0, "")
    again = terminal.run("down", "--json")
    assert (again.returncode, json.loads(again.stdout)["stopped"]) == (0, None)


def test_a_port_that_is_taken_is_named_with_its_part(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = terminal.run("up", "--ports", "free", "--port", f"registry={port}")
        again = terminal.run("up", "--ports", "free", "--port", f"registry={port}", "--json")
    assert refused.returncode == 1
    assert f"PORT_TAKEN: port {port} (registry) is taken" in refused.stderr
    told = json.loads(again.stderr)["error"]
    assert (told["reason"], again.returncode, again.stdout) == ("PORT_TAKEN", 1, "")
    assert told["facts"] == {"part": "registry", "port": str(port)}


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_a_data_folder_that_is_none_is_no_traceback(
    terminal: Terminal, detach: tuple[str, ...]
) -> None:
    file = terminal.data / "file"
    file.write_text("")
    other = Terminal(file)
    refused = other.run("up", "--json", *detach)
    told = json.loads(refused.stderr)["error"]
    assert (told["reason"], refused.returncode) == ("DATA_FOLDER_UNUSABLE", 1)
    assert told["facts"]["path"] == str(file)


def test_a_port_for_no_part_is_a_wrong_command_line(terminal: Terminal) -> None:
    refused = terminal.run("up", "--port", "gatway=50050", "--json")
    assert refused.returncode == 2
    assert json.loads(refused.stderr)["error"]["reason"] == "COMMAND_LINE"


def _kill_if_there(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _named(runtime: int, name: str) -> int:
    """The first program of the runtime with that name; PostgreSQL's is the server itself."""
    for pid in descendants_of(runtime):
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                return pid
    raise AssertionError(f"no {name}")


def _engine(runtime: int) -> int:
    for pid in descendants_of(runtime):
        with suppress(FileNotFoundError, ProcessLookupError):
            if ENGINE in Path(f"/proc/{pid}/cmdline").read_text():
                return pid
    raise AssertionError("no policy engine")


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _restarted(terminal: Terminal, times: int, parts: set[str]) -> None:
    """Wait until these parts are up again, after at least so many restarts."""

    async def look() -> bool:
        states = terminal.status()["parts"]
        return all(states[part]["up"] and states[part]["restarts"] >= times for part in parts)

    asyncio.run(until(look))


def _decides(terminal: Terminal) -> None:
    """Wait until governance decides."""

    async def look() -> bool:
        token = terminal.token()
        try:
            return not fault_of(await decision(terminal.status()["addresses"]["governance"], token))
        except grpc.aio.AioRpcError:
            return False

    asyncio.run(until(look))


@contextmanager
def _in_place_of(runtime: subprocess.Popen[str], terminal: Terminal, part: str) -> Iterator[None]:
    """Kill a part and listen on its port before the runtime can start it again."""
    port = int(terminal.status()["addresses"][part].rpartition(":")[2])
    runtime.send_signal(signal.SIGSTOP)
    pid = _named(runtime.pid, f"{part}_svc")
    _kill(pid)
    assert all_gone([pid])
    with socket.create_server(("127.0.0.1", port)):
        runtime.send_signal(signal.SIGCONT)
        yield
