"""One runtime at a time in a data folder, an older release's included."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phoenix_runtime.local import ports
from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord
from phoenix_runtime.local.data_folder.lock import AlreadyUp
from phoenix_runtime.local.options import LocalRuntimeOptions
from phoenix_runtime.local.runtime import LocalRuntime

FORMER_LOCK = "house.lock"  # codespell:ignore house
FORMER_RECORD = "house.json"  # codespell:ignore house
RECORD = {"pid": 7, "addresses": {"rest": "127.0.0.1:8080"}, "profile": "/p"}


@contextmanager
def held(file: Path) -> Iterator[None]:
    """The lock as another runtime holds it: flock is by open file, so one process will do."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(handle)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


@pytest.mark.parametrize("name", ["runtime.lock", FORMER_LOCK])
def test_a_folder_with_a_running_runtime_is_locked(folder: DataFolder, name: str) -> None:
    with held(folder.path / name):
        assert folder.holder() == os.getpid()
        with pytest.raises(AlreadyUp, match=str(os.getpid())):
            folder.lock()
    assert folder.holder() is None


def test_a_former_runtimes_record_is_read_while_it_is_up(folder: DataFolder) -> None:
    (folder.path / FORMER_RECORD).write_text(json.dumps(RECORD))
    assert folder.record() is None
    with held(folder.path / FORMER_LOCK):
        found = folder.record()
    assert found is not None
    assert (found.pid, found.profile, found.upgrades) == (7, "/p", ())


def test_locking_replaces_the_former_files(folder: DataFolder) -> None:
    for name in (FORMER_LOCK, FORMER_RECORD):
        (folder.path / name).touch()
    folder.lock()
    record = RuntimeRecord(pid=7, addresses={}, profile="/p", upgrades=("upgraded",))
    folder.write_record(record)
    assert folder.record() == record
    assert {file.name for file in folder.path.glob("*.*")} == {"runtime.lock", "runtime.json"}
    folder.unlock()
    assert folder.record() is None


def test_a_folder_keeps_its_free_ports_until_told_otherwise(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    customary = ports.choose(free=True)
    monkeypatch.setattr(ports, "CUSTOMARY", customary)

    def chosen(*, free: bool | None, **wanted: int) -> dict[str, int]:
        options = LocalRuntimeOptions(data=folder.path, free_ports=free, ports=wanted)
        runtime = LocalRuntime(options)
        runtime._choose_ports()
        found = {part: int(runtime.address(part).rpartition(":")[2]) for part in customary}
        runtime._reservation.close()
        return found

    assert chosen(free=None) == customary
    first = chosen(free=True)
    assert first != customary
    assert chosen(free=None) == first
    (other,) = ports.choose(free=True, parts=["rest"]).values()
    assert chosen(free=None, rest=other) == first | {"rest": other}
    assert chosen(free=None) == first | {"rest": other}
    assert chosen(free=False) == customary
    assert chosen(free=None) == customary
