"""Which runtime of this machine a command means: ``--data``, else the profile's, else the default.

Standard library alone below this: `status` and `down` work without the server's packages.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_dma.errors import ProfileError
from phoenix_dma.profile import Profile, profile_path, read_profile
from phoenix_dma.wire import starting

if TYPE_CHECKING:
    from phoenix_runtime.local.data_folder.folder import DataFolder


def folder_of(data: Path | None) -> DataFolder:
    """The data folder that is meant."""
    from phoenix_runtime.local.data_folder.folder import DataFolder  # noqa: PLC0415

    return DataFolder(data or _profile().data or starting.default_folder())


def doubts_about(data: Path | None) -> list[str]:
    """Sentences about what else may have been meant: another profile, other runtimes that run."""
    from phoenix_runtime.local.data_folder.known import others_up  # noqa: PLC0415

    folder, profile = folder_of(data), _profile()
    said = []
    if profile.data is not None and profile.data.resolve() != folder.path.resolve():
        said.append(
            f"the profile {profile.file} is of the runtime in {profile.data}, not of this one"
        )
    return said + others_up(profile_path(), folder.path)


def up_line() -> str:
    """The line that starts the runtime of the profile, with its data folder where it has one."""
    return starting.up_line(_profile().data)


def _profile() -> Profile:
    """The profile's file, as it is; an empty profile where there is none that can be read."""
    try:
        return read_profile(profile_path())
    except ProfileError:
        return Profile()
