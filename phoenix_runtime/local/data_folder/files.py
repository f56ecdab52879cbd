"""Files and folders that nobody else may read."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

Content = TypeVar("Content")

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
PASSABLE_FOLDER: Final = 0o711
"""For root: the database runs as another user, who passes through the folder but cannot list it."""


def temporary_folder() -> Path:
    """Make a fresh folder that every user may pass through (pytest's own are closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="phoenix-dma-"))
    path.chmod(outer_mode())
    return path


def outer_mode() -> int:
    """Return the mode of the data folder itself."""
    return PASSABLE_FOLDER if os.geteuid() == 0 else PRIVATE_FOLDER


def read_as(path: Path, read: Callable[[str], Content]) -> Content:
    """Return what ``read`` makes of a file's text.

    Raises an OSError that names the file where it holds something else, as after a disk was full.
    """
    try:
        return read(path.read_text())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OSError(errno.EBADMSG, "it is damaged", str(path)) from error


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
