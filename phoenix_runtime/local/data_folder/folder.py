"""The data folder of a runtime: its layout, its lock, and the record of the running runtime."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from phoenix_runtime.local.data_folder.files import (
    PRIVATE_FOLDER,
    outer_mode,
    read_as,
    write_private,
)
from phoenix_runtime.local.data_folder.lock import acquire, holder_of
from phoenix_runtime.local.errors import FOLDER_ERRORS, LocalRuntimeError

FORMER_LOCK: Final = "house.lock"  # codespell:ignore house
"""The lock's name up to release 0.1: such a runtime may still be up when this one starts."""
FORMER_RECORD: Final = "house.json"  # codespell:ignore house


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRecord:
    """What ``status`` and ``down`` know of a running runtime.

    ``addresses`` are ``host:port`` by part, ``profile`` is a path, ``upgrades`` are sentences about
    what this start upgraded in an older data folder, ``notes`` about what else is new to people.
    ``parts`` are the states of the parts that are started again when they die, by part
    (`processes.restarts.PartState`).
    """

    pid: int
    addresses: dict[str, str]
    profile: str
    upgrades: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)


class DataFolderUnusable(LocalRuntimeError):
    """The data folder cannot be made, read or written, or there is no space left for it."""

    reason = "DATA_FOLDER_UNUSABLE"
    remedy = (
        "See that it is yours, can be written to and has space; or name another folder: --data "
        "(another profile: PHOENIX_DMA_PROFILE)."
    )


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
        self._ports_file = self.path / "ports.json"
        self._lock_file = self.path / "runtime.lock"
        self._lock: int | None = None

    def create(self) -> None:
        """Make the folders that are missing; narrow modes that became too wide.

        Raises `DataFolderUnusable`.
        """
        with self.usable():
            self._create()

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Around work in the folder; what the machine refuses is raised as `DataFolderUnusable`."""
        try:
            yield
        except OSError as error:
            if error.filename is None and error.errno not in FOLDER_ERRORS:
                raise
            where = error.filename or self.path
            text = f"{where} cannot be used: {(error.strerror or str(error)).lower()}"
            raise DataFolderUnusable(text, {"path": where, "data": self.path}) from error

    def _create(self) -> None:
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

    def kept_ports(self) -> dict[str, int]:
        """Return the free ports that the last runtime here had, by part; none: the customary."""
        try:
            found = json.loads(self._ports_file.read_text())
            return {str(part): int(port) for part, port in found.items()}
        except (FileNotFoundError, ValueError, AttributeError):
            return {}  # never written, or no choice that could be kept

    def keep_ports(self, ports: Mapping[str, int]) -> None:
        """Remember free ports for the next runtime here: whoever knows them finds it again."""
        write_private(self._ports_file, json.dumps(dict(ports), indent=2))

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
    return read_as(file, _record_of)


def _record_of(text: str) -> RuntimeRecord:
    found = json.loads(text)
    # Of another release it may have more fields than these.
    names = {one.name for one in fields(RuntimeRecord)}
    known = {name: value for name, value in found.items() if name in names}
    for sentences in ("upgrades", "notes"):
        known[sentences] = tuple(known.get(sentences, ()))
    return RuntimeRecord(**known)
