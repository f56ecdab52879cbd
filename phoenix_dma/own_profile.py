"""Profiles of one identity: a credential that can be somebody, and nobody else.

They lie beside the profile that they were made through, as ``identities/<tenant>/<identity>.toml``
with the credential in ``<identity>.jwt``, both readable for their owner alone. Such a profile
``follows`` the other one: it takes the addresses from there, which may change with every start of
a local runtime, and never the credential.
"""

from __future__ import annotations

import base64
import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from phoenix_dma.errors import ProfileError
from phoenix_dma.profile import Profile, profile_path

FOLDER: Final = "identities"
PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700


def own_profile_path(identity: str, base: Profile) -> Path:
    """Where the profile of ``identity`` lies, whether or not there is one."""
    beside = (base.follows or base.file or profile_path()).absolute().parent
    return beside / FOLDER / (base.tenant or "default") / f"{identity}.toml"


def write_own_profile(file: Path, credential: str, base: Profile) -> None:
    """Write a profile and its credential, in place of those that were there."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    secret = file.with_suffix(".jwt")
    _write_private(secret, credential)
    followed = base.follows or base.file or profile_path()
    lines = [
        "# Written by `phoenix-dma`: the profile of one identity.",
        f"tenant = {_text(base.tenant)}",
        f"credential = {_text(secret.name)}",
        f"follows = {_text(str(followed.absolute()))}",
    ]
    _write_private(file, "\n".join(lines) + "\n")


def require_writable(file: Path) -> None:
    """Raise OSError, or ValueError for a name, where no profile can be written as ``file``.

    It is asked before a credential is made: the new one takes the place of the former, and one that
    cannot be written is lost. Nothing is left behind.
    """
    for path in (file, file.parent / f"{file.stem}.jwt"):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if file.suffix == ".jwt":
        raise ValueError(f"{file} has the name of the credential beside it; name a .toml")
    folder = next(one for one in file.absolute().parents if one.exists())
    probe = folder / f".{file.name}.{os.getpid()}"
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
        probe.unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error


def can_enrol_others(profile: Profile) -> bool:
    """Whether the profile's credential is not one agent's alone: an operator's, or a person's.

    Only read, never believed: what a credential is good for is decided by the runtime.
    """
    if profile.token or profile.credential is None:
        return False
    try:
        claims = _claims(profile.enrolment())
    except ProfileError:
        return False
    return bool(claims.get("may_enrol")) or claims.get("kind") == "person"


def holder_of(profile: Profile) -> str:
    """Whose enrolment the profile's credential is; empty where that cannot be read."""
    if profile.token or profile.credential is None:
        return ""
    try:
        return str(_claims(profile.enrolment()).get("sub", ""))
    except ProfileError:
        return ""


def _claims(token: str) -> Mapping[str, Any]:
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_private(path: Path, text: str) -> None:
    """Write a file that nobody else may read, in one step."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    partial.replace(path)


def _text(value: str) -> str:
    # A JSON string without escaped surrogates is a TOML basic string.
    return json.dumps(value, ensure_ascii=False)
