"""The data folder of a runtime: its layout, its lock, and the record of the running runtime."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from phoenix_runtime.local.data_folder.files import PRIVATE_FOLDER, outer_mode, write_private
from phoenix_runtime.local.data_folder.lock import acquire, holder_of

FORMER_LOCK: Final = "house.lock"  # codespell:ignore house
"""The lock's name up to release 0.1: such a runtime may still be up when this one starts."""
FORMER_RECORD: Final = "house.json"  # codespell:ignore house


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRecord:
    """What ``status`` and ``down`` know of a running runtime.

    ``addresses`` are ``host:port`` by part, ``profile`` is a path, ``upgrades`` are sentences about
    what this start upgraded in an older data folder.
    """

    pid: int
    addresses: dict[str, str]
    profile: str
    upgrades: tuple[str, ...] = ()


class DataFolder:
    """The paths of everything that one runtime keeps."""

    def __init__(self, path: Path) -> None:
        """Take the folder's path; nothing is touched yet."""
        self.path = path.absolute()
        self.keys = self.path / "keys"
        self.secrets = self.path / "secrets"
        self.logs = self.path / "logs"
        self.postgres = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self.record_file = self.path / "runtime.json"
        self._lock_file = self.path / "runtime.lock"
        self._lock: int | None = None

    def create(self) -> None:
        """Make the folders that are missing; narrow modes that became too wide."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(outer_mode())
        for folder in (self.keys, self.secrets, self.logs, self.valkey):
            folder.mkdir(exist_ok=True)
            folder.chmod(PRIVATE_FOLDER)

    def log(self, name: str) -> Path:
        """Return the log file of that program."""
        return self.logs / f"{name}.log"

    def lock(self, timeout: float = 20.0) -> int:
        """Take the lock and return its descriptor; an older release's lock is taken first.

        Waits ``timeout`` seconds for the reaper of a killed runtime; raises `AlreadyUp`.
        """
        former = self.path / FORMER_LOCK
        held = acquire(former, timeout) if former.exists() else None
        try:
            self._lock = acquire(self._lock_file, timeout)
            former.unlink(missing_ok=True)
            (self.path / FORMER_RECORD).unlink(missing_ok=True)
        finally:
            if held is not None:
                os.close(held)
        return self._lock

    def unlock(self) -> None:
        """Give the lock back; the reaper's copy of it keeps it until the reaper has ended."""
        if self._lock is not None:
            self.record_file.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def holder(self) -> int | None:
        """Return the process whose runtime is up in this folder, or None when it is down."""
        return holder_of(self._lock_file) or holder_of(self.path / FORMER_LOCK)

    def write_record(self, record: RuntimeRecord) -> None:
        """Publish that the runtime is up."""
        write_private(self.record_file, json.dumps(asdict(record), indent=2))

    def record(self) -> RuntimeRecord | None:
        """Return the running runtime's record, or None while it is down or still starting."""
        if self.holder() is None:
            return None
        for file in (self.record_file, self.path / FORMER_RECORD):
            if file.exists():
                return _read(file)
        return None


def _read(file: Path) -> RuntimeRecord:
    found = json.loads(file.read_text())
    found["upgrades"] = tuple(found.get("upgrades", ()))
    return RuntimeRecord(**found)
