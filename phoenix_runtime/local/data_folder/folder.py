"""The data folder of a runtime: layout, modes, and the lock that admits one runtime at a time."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.processes.reaper import is_running

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
PASSABLE_FOLDER: Final = 0o711
"""For root: the database runs as another user, who passes through the folder but cannot list it."""


class AlreadyUp(LocalRuntimeError):
    """Another process keeps this runtime running."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        """Name the folder and, where it is known, the process."""
        self.pid = pid
        by = f" (process {pid})" if pid else ""
        super().__init__(f"the runtime in {folder} is already up{by}; `phoenix-dma down` stops it")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRecord:
    """What ``status`` and ``down`` know of a running runtime; ``addresses`` by part."""

    pid: int
    addresses: dict[str, str]
    profile: str


def default_folder() -> Path:
    """Return ``/var/lib/phoenix-dma`` for root, else a folder below ``$XDG_DATA_HOME``."""
    if os.geteuid() == 0:
        return Path("/var/lib/phoenix-dma")
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "phoenix-dma"


def temporary_folder() -> Path:
    """Make a fresh folder that every user may pass through (pytest's own are closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="phoenix-dma-"))
    path.chmod(_folder_mode())
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else may read, in one step: readers see the old or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    partial.replace(path)


def _folder_mode() -> int:
    return PASSABLE_FOLDER if os.geteuid() == 0 else PRIVATE_FOLDER


class DataFolder:
    """Where everything of one runtime lies; ``open`` makes what is missing."""

    def __init__(self, path: Path) -> None:
        """Take the folder's path; nothing is touched yet."""
        self.path = path.absolute()
        self.keys = self.path / "keys"
        self.secrets = self.path / "secrets"
        self.logs = self.path / "logs"
        self.postgres = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folders that are missing; repair modes that became too wide."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(_folder_mode())
        for folder in (self.keys, self.secrets, self.logs, self.valkey):
            folder.mkdir(exist_ok=True)
            folder.chmod(PRIVATE_FOLDER)

    def log(self, name: str) -> Path:
        """Return the log file of that program."""
        return self.logs / f"{name}.log"

    def lock(self, patience: float = 20.0) -> int:
        """Take the data folder's lock and return its descriptor; raises `AlreadyUp` if it is held.

        A killed runtime's reaper holds the lock until it stopped what was left: that is waited for,
        at most ``patience`` seconds.
        """
        handle = os.open(self.path / "house.lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        deadline = time.monotonic() + patience
        while not _try_lock(handle):
            pid = _pid_in(handle)
            if (pid is not None and is_running(pid)) or time.monotonic() > deadline:
                os.close(handle)
                raise AlreadyUp(self.path, pid)
            time.sleep(0.05)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._lock = handle
        return handle

    def unlock(self) -> None:
        """Give the lock back; the reaper's copy of it keeps it until the reaper has ended."""
        if self._lock is not None:
            self.record_file.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def holder(self) -> int | None:
        """Return the process that keeps the runtime up, or None when it is down."""
        file = self.path / "house.lock"
        if not file.exists():
            return None
        handle = os.open(file, os.O_RDWR)
        try:
            return None if _try_lock(handle) else _pid_in(handle)
        finally:
            os.close(handle)

    @property
    def record_file(self) -> Path:
        """Where a running runtime says what it offers."""
        return self.path / "house.json"

    def announce(self, record: RuntimeRecord) -> None:
        """Say that the runtime is up."""
        write_private(self.record_file, json.dumps(asdict(record), indent=2))

    def record(self) -> RuntimeRecord | None:
        """Return what the running runtime said, or None while it is down or still starting."""
        if self.holder() is None or not self.record_file.exists():
            return None
        return RuntimeRecord(**json.loads(self.record_file.read_text()))


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(handle: int) -> int | None:
    text = os.pread(handle, 32, 0).decode().strip()
    return int(text) if text else None
