"""The checkpoints of one task's graph: in memory while it is worked on, recorded in its context."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from phoenix_dma.adapters.bound_task import BoundTask
from phoenix_dma.adapters.langgraph.batches import BatchedWrites
from phoenix_dma.adapters.langgraph.conversation import FRAMEWORK, portable_kinds
from phoenix_dma.adapters.langgraph.graph_state import (
    UNRECORDED,
    Entries,
    GraphState,
    Held,
    Older,
    Place,
    Write,
    read_state,
)
from phoenix_dma.adapters.langgraph.history import drop_empty, shorten
from phoenix_dma.adapters.langgraph.values import StoredValue
from phoenix_dma.briefing import Checkpoint
from phoenix_dma.errors import ContextVersionConflict, TooLarge
from phoenix_dma.portable import Changes

KIND: Final = "framework_state"
"""The kind of context under which frameworks keep what only they can read."""
LINGER_SECONDS: Final = 0.01
"""How long what a node wrote waits for the checkpoint that it led to; see `BatchedWrites`."""
VERSIONS_KEPT: Final = 8
"""Older versions of the context that stay in memory, for walks through a history."""
TOO_LARGE: Final = (
    "Give PhoenixCheckpointer a store for large values, artifacts=FolderArtifacts(folder), or keep "
    "less in the graph's state; waiting does not help."
)


class Found(NamedTuple):
    """A checkpoint with the values of its channels, by key, and what was written on top of it."""

    name: str
    held: Held
    values: dict[str, StoredValue]
    writes: list[Write]


class CheckpointStore:
    """Reads and changes the state of a graph under a lock, and records it under the task's epoch.

    ``older`` bounds the history; see `shorten`. Every writing method returns once the change is
    recorded, and raises `AssignmentLost` where the task is not held any more.
    """

    def __init__(self, task: BoundTask, older: int) -> None:
        self.task = task
        self._older = older
        self._lock = threading.RLock()
        self._state: GraphState | None = None
        self._versions: OrderedDict[int, GraphState] = OrderedDict()
        self._early: dict[tuple[Place, str], dict[tuple[str, int], Write]] = {}
        self._deleted: set[str] = set()
        self._changes: Changes = {}
        self._writes = BatchedWrites(self._record, LINGER_SECONDS)

    # Reading -------------------------------------------------------------------------------------

    def find(self, place: Place, name: str = "") -> Found | None:
        """The checkpoint of that id, the newest where none is given; None where there is none."""
        with self._lock:
            state = self._current()
            entries = state.places.get(place)
            name = name or max(entries or (), default="")
            entry = entries.get(name) if entries else None
            if entry is None:
                return None
            held, then = self._by_value(state, place, name, entry)
            values = {key: then.values[key] for key in held.channels.values()}
            return Found(name, held, values, held.ordered_writes())

    def names(self, thread: str | None, namespace: str | None) -> list[tuple[Place, str]]:
        """Where there are checkpoints, newest first in each place; None stands for all."""
        with self._lock:
            return [
                (place, name)
                for place, entries in self._current().places.items()
                if thread in {None, place.thread} and namespace in {None, place.namespace}
                for name in sorted(entries, reverse=True)
            ]

    # Changing ------------------------------------------------------------------------------------

    def add(
        self, place: Place, name: str, held: Held, values: Mapping[str, Any], changes: Changes
    ) -> None:
        """Add a checkpoint with the values of its channels, and what it changes for others.

        One that follows a deleted checkpoint is late, and would bring the thread back: it is not
        added.
        """
        with self._lock:
            if held.parent in self._deleted:
                return
            state = self._current()
            state.values.update(values)
            held.writes.update(self._early.pop((place, name), {}))
            state.places.setdefault(place, {})[name] = held
            self._changes.update(changes)
        self._writes.record(at_once=True)

    def add_writes(
        self, place: Place, name: str, writes: Sequence[Write], *, at_once: bool
    ) -> None:
        """Add what a node wrote. What is there already stays, errors and the like are replaced.

        LangGraph may save what was written on top of a checkpoint before that checkpoint: it is
        recorded with it then.
        """
        with self._lock:
            if name in self._deleted:
                return
            held = self._to_change(place, name)
            there = self._early.setdefault((place, name), {}) if held is None else held.writes
            new = {
                (one.task, one.slot): one
                for one in writes
                if one.slot < 0 or (one.task, one.slot) not in there
            }
            there.update(new)
            if held is None or not new:
                return
            held.recorded = UNRECORDED
        self._writes.record(at_once=at_once)

    def change(self, changed: Callable[[GraphState], None]) -> None:
        """Change the history as a whole, such as `keep_latest` does."""
        with self._lock:
            changed(self._current())
        self._writes.record(at_once=True)

    def delete(self, threads: Collection[str]) -> None:
        """Drop threads; what is saved for them late is not taken any more."""
        with self._lock:
            state = self._current()
            for place in [place for place in state.places if place.thread in threads]:
                self._deleted.update(state.places.pop(place))
            for place, name in [key for key in self._early if key[0].thread in threads]:
                self._deleted.add(name)
                del self._early[place, name]
            state.chained.difference_update(threads)
        self._writes.record(at_once=True)

    def copy(self, source: str, target: str) -> None:
        """Copy every checkpoint of a thread; references stay references."""
        with self._lock:
            state = self._current()
            for place in [place for place in state.places if place.thread == source]:
                copied = {name: one.copied() for name, one in state.places[place].items()}
                state.places.setdefault(Place(target, place.namespace), {}).update(copied)
            if source in state.chained:
                state.chained.add(target)
        self._writes.record(at_once=True)

    def mark_chained(self, thread: str) -> None:
        """Record with the next change that the thread has delta channels."""
        with self._lock:
            self._current().chained.add(thread)

    # ---------------------------------------------------------------------------------------------

    def _current(self) -> GraphState:
        if self._state is None:
            context = self.task.context()
            kept = context.get(KIND, {}) if context.version else {}
            self._state = read_state(kept.get(FRAMEWORK), context.version)
        return self._state

    def _by_value(
        self, state: GraphState, place: Place, name: str, entry: Held | Older
    ) -> tuple[Held, GraphState]:
        """The checkpoint, and the state that has its channels' values."""
        if isinstance(entry, Held):
            return entry, state
        then = self._at(entry.version)
        return then.held_at(Place(entry.thread, place.namespace), name), then

    def _at(self, version: int) -> GraphState:
        """The state in an older version of the context, which never changes."""
        if version not in self._versions:
            document = self.task.context_at(version)[KIND][FRAMEWORK]
            self._versions[version] = read_state(document, version)
        self._versions.move_to_end(version)
        while len(self._versions) > VERSIONS_KEPT:
            self._versions.popitem(last=False)
        return self._versions[version]

    def _to_change(self, place: Place, name: str) -> Held | None:
        """The checkpoint by value, in the newest state: one by reference is brought back."""
        state = self._current()
        entries: Entries = state.places.get(place, {})
        if name not in entries:
            return None
        held, then = self._by_value(state, place, name, entries[name])
        if then is not state:
            state.values.update({key: then.values[key] for key in held.channels.values()})
            held = held.copied()
            entries[name] = held
        return held

    def _record(self) -> None:
        """Write the state as it is now into the task's context, beside other frameworks'."""
        with self._lock:
            state = self._current()
            shorten(state, self._older)
            drop_empty(state)
            document, changes = state.written(), self._changes
            self._changes = {}
        version = UNRECORDED
        try:
            version = self._written(document, changes).version
        except TooLarge as refused:
            raise TooLarge(refused.text, refused.facts, remedy=TOO_LARGE) from refused
        finally:
            with self._lock:
                state.settle(version)
                if version == UNRECORDED:
                    self._changes = {**changes, **self._changes}

    def _written(self, document: dict[str, Any], changes: Changes) -> Checkpoint:
        for last in (False, True):
            context = self.task.context()
            others = context.get(KIND, {}) if context.version else {}
            kinds = portable_kinds(context, self.task.aio.objective, changes)
            try:
                return self.task.checkpoint(**kinds, **{KIND: {**others, FRAMEWORK: document}})
            except ContextVersionConflict:
                # The participant has checkpointed outside this handler: go on from that.
                if last:
                    raise
        raise AssertionError("unreachable")
