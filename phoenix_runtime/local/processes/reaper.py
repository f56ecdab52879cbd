"""Stops the runtime's programs when the runtime itself was killed; a process of its own.

Started as a script (``python -I -S reaper.py GRACE``) in a session of its own. Its standard input
is a pipe that only the runtime holds: ``+PID SIGNAL`` says that a program lives, ``-PID`` that it
ended. End of file means that the runtime is gone: whatever still lives gets its stop signal and,
after the grace period, SIGKILL, its whole process group included. The reaper also holds the data
folder's lock, which is free again only when nothing of the old runtime runs.

The parent-death signal (``parent_death.py``) does the same at once but only on Linux, only for
direct children, and cannot stop a program that does not react.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

GRACE_SECONDS = 8.0
POLL_SECONDS = 0.02


def is_running(pid: int) -> bool:
    """Tell whether that process exists and is not a zombie that waits for its parent."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not Path("/proc/self/stat").exists():  # macOS tells no more
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def send(pid: int, number: int) -> None:
    """Send signal ``number`` to a process that may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def kill_group(pid: int) -> None:
    """Kill the process group that the program leads, with everything that it started there."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:  # macOS says so for a group of zombies
        return


def watch() -> dict[int, int]:
    """Read the pipe to its end; return the programs that still run, with their stop signals."""
    programs: dict[int, int] = {}
    for line in sys.stdin:
        if line.startswith("+"):
            pid, number = line[1:].split()
            programs[int(pid)] = int(number)
        else:
            programs.pop(int(line[1:]), None)
    return programs


def stop(programs: dict[int, int], grace: float) -> None:
    """Send each program its stop signal and, after ``grace`` seconds, SIGKILL."""
    for pid, number in programs.items():
        send(pid, number)
        send(pid, signal.SIGCONT)  # a stopped program would not see its signal
    deadline = time.monotonic() + grace
    while any(map(is_running, programs)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for pid in programs:
        kill_group(pid)
    while any(map(is_running, programs)) and time.monotonic() < deadline + GRACE_SECONDS:
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Watch, then stop what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(watch(), float(sys.argv[1]))


if __name__ == "__main__":
    main()
