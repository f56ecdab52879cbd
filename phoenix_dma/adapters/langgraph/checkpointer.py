"""LangGraph's checkpoint saver over a Phoenix task."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT

from phoenix_dma.adapters.artifacts import ArtifactStore
from phoenix_dma.adapters.bound_task import BoundTask, elsewhere
from phoenix_dma.adapters.langgraph.checkpoint_store import CheckpointStore, Found
from phoenix_dma.adapters.langgraph.codec import Codec
from phoenix_dma.adapters.langgraph.graph_state import ROOT, Place, Write
from phoenix_dma.adapters.langgraph.history import OLDER, forget_runs, keep_latest
from phoenix_dma.adapters.langgraph.values import Artifacts
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.portable import Changes
from phoenix_dma.task import Task

DELTA_COUNTERS = "counters_since_delta_snapshot"
"""In the metadata of checkpoints whose delta channels build on earlier ones."""
NOTHING_FOLLOWS = frozenset({ERROR, INTERRUPT})
"""Channels after which no checkpoint is saved that a write could wait for."""

Portable = Callable[[Mapping[str, Any]], Changes]
"""What the portable context is to say, from the values of the graph's channels."""


class PhoenixCheckpointer(BaseCheckpointSaver[int]):
    """Saves a graph's checkpoints in the context of the task that the graph works on.

    Each write goes through the task's checkpoint and carries its epoch: a process that was
    superseded gets `AssignmentLost`, and does not reach its next superstep. The newest checkpoint
    of a thread is in the context by value, ``history`` older ones by reference to the version of
    the context that has them, and still older ones are dropped. Make it in the handler of ``task``.

    ``artifacts`` keeps values of 32 KiB and more outside the context, which holds 1 MiB in all;
    without it, what is larger raises `TooLarge`. ``portable`` makes what another framework can
    go on with, as `conversation` does; it is recorded with each checkpoint of the graph itself.
    ``serde`` serialises; LangGraph's own, unless given.
    """

    def __init__(
        self,
        task: Task | AsyncTask,
        *,
        artifacts: ArtifactStore | None = None,
        history: int = OLDER,
        portable: Portable | None = None,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde)
        self.task = BoundTask(task)
        self._store = CheckpointStore(self.task, history)
        self._artifacts = Artifacts(artifacts)
        self._portable = portable

    def get_next_version(self, current: int | None, channel: None) -> int:
        """The next version of a channel; raises `AssignmentLost` where the task is lost.

        LangGraph asks between two supersteps, before it starts the nodes of the next one.
        """
        self.task.lease.require()
        return super().get_next_version(current, channel)

    # Reading -------------------------------------------------------------------------------------

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that ``config`` names, or the thread's newest; None without one."""
        place = _place(config)
        found = self._store.find(place, get_checkpoint_id(config) or "")
        return None if found is None else self._tuple(place, found)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  # LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, newest first in each namespace; see `BaseCheckpointSaver.list`."""
        given = config["configurable"] if config else {}
        wanted = get_checkpoint_id(config) if config else None
        end = get_checkpoint_id(before) if before else None
        left = limit
        for place, name in self._store.names(given.get("thread_id"), given.get("checkpoint_ns")):
            if (wanted and name != wanted) or (end and name >= end):
                continue
            if left is not None and left <= 0:
                return
            found = self._store.find(place, name)
            if found is None:  # deleted meanwhile
                continue
            made = self._tuple(place, found)
            if all(made.metadata.get(key) == value for key, value in (filter or {}).items()):
                left = left - 1 if left is not None else None
                yield made

    # Writing -------------------------------------------------------------------------------------

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint; returns once it is recorded. Raises `AssignmentLost`, `TooLarge`."""
        place, parent = _place(config), get_checkpoint_id(config) or ""
        before = self._store.find(place, parent) if parent else None
        made = get_checkpoint_metadata(config, metadata)
        if made.get(DELTA_COUNTERS):
            self._store.mark_chained(place.thread)
        held, values = self._codec.held(checkpoint, made, new_versions, before)
        held.parent = parent
        changes = self._changes(place, checkpoint["channel_values"])
        self._store.add(place, checkpoint["id"], held, values, changes)
        return _config(place, checkpoint["id"])

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a node wrote, together with the checkpoint that follows where one does."""
        codec = self._codec
        made = [
            Write(task_id, WRITES_IDX_MAP.get(channel, at), task_path, channel, codec.dumped(value))
            for at, (channel, value) in enumerate(writes)
        ]
        at_once = any(channel in NOTHING_FOLLOWS for channel, _ in writes)
        name = config["configurable"]["checkpoint_id"]
        self._store.add_writes(_place(config), name, made, at_once=at_once)

    def delete_thread(self, thread_id: str) -> None:
        """Drop a thread from the context; earlier versions of the context still have it."""
        self._store.delete({str(thread_id)})

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread with its whole history."""
        self._store.copy(str(source_thread_id), str(target_thread_id))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Drop the checkpoints of these runs."""
        runs = [str(run) for run in run_ids]
        self._store.change(lambda state: forget_runs(state, runs))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Drop history: ``keep_latest`` of each namespace, or ``delete`` the threads.

        Of a thread with delta channels, what its newest checkpoint builds on stays.
        """
        threads = {str(thread) for thread in thread_ids}
        if strategy == "delete":
            self._store.delete(threads)
        elif strategy == "keep_latest":
            self._store.change(lambda state: keep_latest(state, threads))
        else:
            raise ValueError(f"there is no strategy {strategy!r}: keep_latest or delete")

    # Asynchronous twins --------------------------------------------------------------------------

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """See `get_tuple`."""
        return await elsewhere(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  # LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """See `list`."""
        found = self.list(config, filter=filter, before=before, limit=limit)
        while (one := await elsewhere(next, found, None)) is not None:
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """See `put`."""
        return await elsewhere(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """See `put_writes`."""
        await elsewhere(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """See `delete_thread`."""
        await elsewhere(self.delete_thread, thread_id)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """See `copy_thread`."""
        await elsewhere(self.copy_thread, source_thread_id, target_thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """See `delete_for_runs`."""
        await elsewhere(self.delete_for_runs, run_ids)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """See `prune`."""
        await elsewhere(lambda: self.prune(thread_ids, strategy=strategy))

    # ---------------------------------------------------------------------------------------------

    @property
    def _codec(self) -> Codec:
        # `with_allowlist` gives copies of this saver another serialiser.
        return Codec(self.serde, self._artifacts)

    def _changes(self, place: Place, values: Mapping[str, Any]) -> Changes:
        if self._portable is None or place.namespace != ROOT:
            return {}
        return self._portable(values)

    def _tuple(self, place: Place, found: Found) -> CheckpointTuple:
        checkpoint, metadata, writes = self._codec.read(found)
        return CheckpointTuple(
            config=_config(place, found.name),
            checkpoint=checkpoint,
            metadata=metadata,
            parent_config=_config(place, found.held.parent) if found.held.parent else None,
            pending_writes=writes,
        )


def _place(config: RunnableConfig) -> Place:
    given = config["configurable"]
    return Place(str(given["thread_id"]), given.get("checkpoint_ns", ""))


def _config(place: Place, name: str) -> RunnableConfig:
    return {
        "configurable": {
            "thread_id": place.thread,
            "checkpoint_ns": place.namespace,
            "checkpoint_id": name,
        }
    }
