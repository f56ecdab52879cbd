"""LangGraph's checkpoints as entries of a graph's state, and back."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    PendingWrite,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from phoenix_dma.adapters.langgraph.checkpoint_store import Found
from phoenix_dma.adapters.langgraph.graph_state import Held
from phoenix_dma.adapters.langgraph.values import Artifacts, StoredValue


class Read(NamedTuple):
    """A checkpoint as LangGraph knows it."""

    checkpoint: Checkpoint
    metadata: CheckpointMetadata
    writes: list[PendingWrite]


class Codec:
    """Serialises by ``serde``; ``artifacts`` says where large values go."""

    def __init__(self, serde: SerializerProtocol, artifacts: Artifacts) -> None:
        self._serde = serde
        self._artifacts = artifacts

    def dumped(self, value: Any) -> StoredValue:
        """One value as JSON."""
        return self._artifacts.dumped(self._serde, value)

    def held(
        self,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
        before: Found | None,
    ) -> tuple[Held, dict[str, StoredValue]]:
        """An entry without its parent, and the values of its channels by key.

        ``before`` is the parent: what has not changed since is not serialised again.
        """
        values: dict[str, StoredValue] = {}
        channels = self._channels(checkpoint, new_versions, before, values)
        made = Held(
            parent="",
            run=str(metadata.get("run_id", "")),
            checkpoint=self.dumped({**checkpoint, "channel_values": {}}),
            metadata=self.dumped(metadata),
            channels=channels,
            versions=dict(checkpoint["channel_versions"]),
        )
        return made, values

    def read(self, found: Found) -> Read:
        """The checkpoint again; raises what `Artifacts.loaded` raises."""
        checkpoint: Checkpoint = self._loaded(found.held.checkpoint)
        checkpoint["channel_values"] = {
            channel: self._loaded(found.values[key]) for channel, key in found.held.channels.items()
        }
        writes = [(one.task, one.channel, self._loaded(one.value)) for one in found.writes]
        return Read(checkpoint, self._loaded(found.held.metadata), writes)

    def _channels(
        self,
        checkpoint: Checkpoint,
        new_versions: ChannelVersions,
        before: Found | None,
        values: dict[str, StoredValue],
    ) -> dict[str, str]:
        """The keys of the channels' values, which go into ``values``."""
        given, versions = checkpoint["channel_values"], checkpoint["channel_versions"]
        kept = self._unchanged(versions, new_versions, before) if before is not None else {}
        keys: dict[str, str] = {}
        for channel in versions:
            if before is not None and channel in kept:
                keys[channel] = kept[channel]
                values[keys[channel]] = before.values[keys[channel]]
            elif channel in given:
                stored = self.dumped(given[channel])
                keys[channel] = _key(stored)
                values[keys[channel]] = stored
        return keys

    def _unchanged(
        self, versions: ChannelVersions, new_versions: ChannelVersions, before: Found
    ) -> dict[str, str]:
        """The keys of the channels that are as they were in the parent."""
        held = before.held
        if held.versions is None:
            held.versions = dict(self._loaded(held.checkpoint)["channel_versions"])
        return {
            channel: key
            for channel, key in held.channels.items()
            if channel not in new_versions and versions.get(channel) == held.versions.get(channel)
        }

    def _loaded(self, stored: StoredValue) -> Any:
        return self._artifacts.loaded(self._serde, stored)


def _key(stored: StoredValue) -> str:
    """The same for the same value, so that checkpoints share what did not change."""
    content = stored.get("hash") or stored["base64"]
    return hashlib.sha256(f"{stored['as']}:{content}".encode()).hexdigest()[:32]
