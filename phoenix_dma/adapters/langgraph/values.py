"""Serialised values as JSON: in base64, or by reference where they are large."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

from langgraph.checkpoint.serde.base import SerializerProtocol

from phoenix_dma.adapters.artifacts import ArtifactStore, read_verified
from phoenix_dma.errors import PhoenixError
from phoenix_dma.wire.canonical_json import bytes_hash

LARGE_BYTES: Final = 32 << 10
"""From this size on a serialised value goes to the store of artifacts, where there is one."""

StoredValue = dict[str, Any]
"""``{"as": "msgpack", "base64": "…"}``, or ``{"as": …, "artifact": …, "hash": …, "bytes": …}``."""


class NoArtifactStore(PhoenixError):
    """A value was kept by reference, and no store is given here; facts: state_ref."""

    reason = "NO_ARTIFACT_STORE"
    remedy = "Give PhoenixCheckpointer the store that the task's earlier owner used: artifacts=…."


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Which values are kept by reference, and where; ``store`` may be missing."""

    store: ArtifactStore | None = None
    large_bytes: int = LARGE_BYTES

    def dumped(self, serde: SerializerProtocol, value: Any) -> StoredValue:
        """``value`` as JSON; a large one is written to the store."""
        kind, content = serde.dumps_typed(value)
        if self.store is None or len(content) < self.large_bytes:
            return {"as": kind, "base64": base64.b64encode(content).decode("ascii")}
        content_hash = bytes_hash(content)
        ref = self.store.write(content, content_hash)
        return {"as": kind, "artifact": ref, "hash": content_hash, "bytes": len(content)}

    def loaded(self, serde: SerializerProtocol, stored: StoredValue) -> Any:
        """The value again.

        Raises `ContextHashMismatch` where the artifact is another one than was written,
        `NoArtifactStore` where there is no store to read it from.
        """
        if "artifact" not in stored:
            return serde.loads_typed((stored["as"], base64.b64decode(stored["base64"])))
        if self.store is None:
            ref = stored["artifact"]
            text = f"A value of {stored['bytes']} bytes is at {ref}, and there is no store here"
            raise NoArtifactStore(text, {"state_ref": ref})
        content = read_verified(self.store, stored["artifact"], stored["hash"])
        return serde.loads_typed((stored["as"], content))
