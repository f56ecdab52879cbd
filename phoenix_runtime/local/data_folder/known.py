"""The data folders of this user's runtimes, so that a command can say which others are up.

``runtimes.json`` lies beside the profile, which knows only the runtime that came up last.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from phoenix_dma.wire.starting import default_folder
from phoenix_runtime.local.data_folder.files import write_private
from phoenix_runtime.local.data_folder.folder import DataFolder

NAME: Final = "runtimes.json"


def remember(profile: Path, data: Path) -> None:
    """Add a data folder to the list beside the profile; folders that are gone leave it."""
    kept = [folder for folder in _listed(profile) if folder.is_dir() and folder != data]
    write_private(profile.with_name(NAME), json.dumps([str(one) for one in (*kept, data)]))


def others_up(profile: Path, data: Path) -> list[str]:
    """Return a sentence about each other runtime that is up."""
    found = {}
    for folder in dict.fromkeys((*_listed(profile), default_folder())):
        holder = _holder(folder)
        if holder is not None and folder.resolve() != data.resolve():
            found[folder] = holder
    return [
        f"another runtime is up in {folder} (process {pid}): --data {folder}"
        for folder, pid in found.items()
    ]


def _listed(profile: Path) -> list[Path]:
    try:
        return [Path(text) for text in json.loads(profile.with_name(NAME).read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _holder(folder: Path) -> int | None:
    try:
        return DataFolder(folder).holder()
    except OSError:  # another user's
        return None
