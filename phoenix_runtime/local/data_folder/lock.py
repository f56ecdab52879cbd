"""The lock that admits one runtime to a data folder at a time."""

from __future__ import annotations

import fcntl
import os
import shlex
import time
from pathlib import Path
from typing import Final

from phoenix_runtime.local.data_folder.files import PRIVATE_FILE
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.processes.reaper import is_running

POLL_SECONDS: Final = 0.05


class AlreadyUp(LocalRuntimeError):
    """Another process runs in this data folder."""

    reason = "ALREADY_UP"

    def __init__(self, folder: Path, pid: int | None) -> None:
        """Name the folder and, where it is known, the process."""
        self.pid = pid
        by = f" (process {pid})" if pid else ""
        down = shlex.join(["phoenix-dma", "down", "--data", str(folder)])
        super().__init__(
            f"the runtime in {folder} is already up{by}",
            {"data": folder, **({"pid": pid} if pid else {})},
            remedy=f"Use it, or stop it: {down}; another runtime needs a data folder of its own.",
        )


def acquire(file: Path, timeout: float) -> int:
    """Lock ``file``, write this process's id into it, and return its descriptor.

    A killed runtime's reaper holds the lock until it has stopped every program: waits for that, at
    most ``timeout`` seconds. Raises `AlreadyUp` where the process that is named in the file lives.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    deadline = time.monotonic() + timeout
    while not _try_lock(handle):
        pid = _pid_in(handle)
        if (pid is not None and is_running(pid)) or time.monotonic() > deadline:
            os.close(handle)
            raise AlreadyUp(file.parent, pid)
        time.sleep(POLL_SECONDS)
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def holder_of(file: Path) -> int | None:
    """Return the process that holds the lock, or None where nobody does."""
    if not file.exists():
        return None
    handle = os.open(file, os.O_RDWR)
    try:
        return None if _try_lock(handle) else _pid_in(handle)
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(handle: int) -> int | None:
    text = os.pread(handle, 32, 0).decode().strip()
    return int(text) if text else None
