"""Ends the database server that a killed runtime left behind, before the next one starts."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from phoenix_runtime.local.processes.reaper import is_running, send

POLL_SECONDS: Final = 0.02
PROCESSES: Final = Path("/proc")


def end_leftover(cluster: Path, timeout: float = 10.0) -> None:
    """End the server that a killed runtime left in ``cluster``: wait for it, then kill it.

    The kernel's parent-death signal reached it already, so it is on its way out. The file of a dead
    server is no obstacle, PostgreSQL removes it by itself; but it takes a zombie for a living
    server, and in a container whose first process never reaps a zombie stays for ever. Then the
    file goes, once nobody is left in the cluster.
    """
    file = cluster / "postmaster.pid"
    if not file.exists():
        return
    pid = _pid_in(file)
    deadline = time.monotonic() + timeout
    while _serves(pid, cluster) or any(_inside(cluster)):
        if time.monotonic() > deadline:
            _kill_all(pid, cluster)
        time.sleep(POLL_SECONDS)
    if PROCESSES.exists() and (pid is None or not is_running(pid)):
        file.unlink(missing_ok=True)


def _pid_in(file: Path) -> int | None:
    """The server's process id; None where the file holds none, as after a disk was full."""
    try:
        return int(file.read_text().splitlines()[0])
    except (ValueError, IndexError):
        return None


def _kill_all(pid: int | None, cluster: Path) -> None:
    for leftover in _inside(cluster):
        send(leftover, signal.SIGKILL)
    if pid is not None and _serves(pid, cluster):
        send(pid, signal.SIGKILL)


def _serves(pid: int | None, cluster: Path) -> bool:
    """Tell whether that process is this cluster's server, and not another with its number."""
    return pid is not None and is_running(pid) and str(cluster) in _command_of(pid)


def _command_of(pid: int) -> str:
    line = PROCESSES / str(pid) / "cmdline"
    if line.exists():
        return line.read_text(errors="replace")
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)],  # noqa: S607 - where it is differs
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout


def _inside(cluster: Path) -> list[int]:
    """Return the processes whose working directory is the cluster. Linux only."""
    place = cluster.resolve()
    found = []
    for process in PROCESSES.glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == place:
                found.append(int(process.name))
        except OSError:  # ended meanwhile, or another user's
            continue
    return found
