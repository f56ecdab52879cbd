"""Large values outside a context: kept by whoever runs the agents, named by address and hash."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final, Protocol

from phoenix_dma.errors import ContextHashMismatch
from phoenix_dma.wire.canonical_json import bytes_hash

SCHEME: Final = "artifact"


class ArtifactStore(Protocol):
    """Where an adapter keeps values that are too large for a context.

    Whoever may take the task over has to reach the same store. What is kept under a hash never
    changes, and older versions of a context name it too: nothing is deleted by an adapter.
    """

    def write(self, content: bytes, content_hash: str) -> str:
        """Keep ``content``, whose ``sha256:…`` is given; return its address."""

    def read(self, ref: str) -> bytes:
        """The bytes at an address that `write` returned; raises OSError where there are none."""


class FolderArtifacts:
    """Artifacts as files of one folder, such as a volume that all agents mount.

    An address names the hash and not the folder, which may be mounted elsewhere for the next owner.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def write(self, content: bytes, content_hash: str) -> str:
        """Write a file named by its hash; one that is there already stays as it is."""
        name = content_hash.replace(":", "-")
        file = self._folder / name
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._place(content, file)
        return f"{SCHEME}:{name}"

    def read(self, ref: str) -> bytes:
        """The content of the file; raises ValueError for an address of another store."""
        scheme, _, name = ref.partition(":")
        if scheme != SCHEME or name != Path(name).name:
            raise ValueError(f"{ref} is no address of a folder of artifacts")
        return (self._folder / name).read_bytes()

    def _place(self, content: bytes, file: Path) -> None:
        """Write beside, then rename: a reader sees the whole file or none, a crash leaves none."""
        handle, beside = tempfile.mkstemp(dir=self._folder, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            Path(beside).replace(file)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise


def read_verified(store: ArtifactStore, ref: str, content_hash: str) -> bytes:
    """The bytes at ``ref``; raises `ContextHashMismatch` where they are not what was written."""
    content = store.read(ref)
    received = bytes_hash(content)
    if received != content_hash:
        raise ContextHashMismatch(
            f"What is at {ref} is not what was recorded",
            {"expected": content_hash, "received": received, "state_ref": ref},
        )
    return content
