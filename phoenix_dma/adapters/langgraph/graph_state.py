"""The checkpoints of a graph as a context holds them: newest by value, older ones by reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from langgraph.checkpoint.base import ChannelVersions, writes_sort_key

from phoenix_dma.adapters.langgraph.values import StoredValue

FORMAT: Final = 1
ROOT: Final = ""
"""The namespace of the graph itself; those of subgraphs have names."""
UNRECORDED: Final = 0
UNDER_WAY: Final = -1


class Place(NamedTuple):
    """A thread of LangGraph, and in it the graph or a subgraph."""

    thread: str
    namespace: str


class Write(NamedTuple):
    """What a node wrote to a channel, in the place of the superstep that it belongs to."""

    task: str
    slot: int
    path: str
    channel: str
    value: StoredValue


@dataclass(slots=True)
class Held:
    """A checkpoint by value. ``channels`` has the key of each channel's value.

    ``recorded`` is the version of the context that holds it as it is now, `UNRECORDED` where none
    does yet, `UNDER_WAY` while a write is on its way. ``versions`` are the channels', once read.
    """

    parent: str
    run: str
    checkpoint: StoredValue
    metadata: StoredValue
    channels: dict[str, str]
    writes: dict[tuple[str, int], Write] = field(default_factory=dict)
    recorded: int = UNRECORDED
    versions: ChannelVersions | None = None

    def copied(self) -> Held:
        """The same as an entry of its own, which no context has recorded."""
        return replace(
            self, channels=dict(self.channels), writes=dict(self.writes), recorded=UNRECORDED
        )

    def ordered_writes(self) -> list[Write]:
        """In the order in which LangGraph applies them."""
        return sorted(
            self.writes.values(), key=lambda one: writes_sort_key(one.path, one.task, one.slot)
        )


@dataclass(frozen=True, slots=True)
class Older:
    """A checkpoint by reference: ``version`` of the context holds it by value.

    It stands there under ``thread``, which is another one where the thread was copied since.
    """

    parent: str
    run: str
    version: int
    thread: str

    def copied(self) -> Older:
        """Itself: it never changes."""
        return self


Entries = dict[str, Held | Older]
"""The checkpoints of one place, by id; ids sort by their age."""


@dataclass(slots=True)
class GraphState:
    """All checkpoints of a task's graph, as one version of its context has them."""

    places: dict[Place, Entries] = field(default_factory=dict)
    values: dict[str, StoredValue] = field(default_factory=dict)
    chained: set[str] = field(default_factory=set)
    """Threads with delta channels, whose checkpoints build on those before them."""

    def held(self) -> Iterator[Held]:
        """Every checkpoint by value."""
        for entries in self.places.values():
            yield from (one for one in entries.values() if isinstance(one, Held))

    def held_at(self, place: Place, name: str) -> Held:
        """A checkpoint that this state has by value; raises KeyError where it has not."""
        entry = self.places[place][name]
        if not isinstance(entry, Held):
            raise KeyError(name)
        return entry

    def settle(self, version: int) -> None:
        """A write has ended: what was under way is recorded in ``version`` now."""
        for one in self.held():
            if one.recorded == UNDER_WAY:
                one.recorded = version

    def written(self) -> dict[str, Any]:
        """The document, after which everything counts as under way; values of nobody are gone."""
        used = {key for one in self.held() for key in one.channels.values()}
        self.values = {key: self.values[key] for key in used}
        for one in self.held():
            one.recorded = UNDER_WAY
        return {
            "format": FORMAT,
            "values": dict(self.values),
            "threads": [
                self._place_written(place, entries)
                for place, entries in self.places.items()
                if entries
            ],
        }

    def _place_written(self, place: Place, entries: Entries) -> dict[str, Any]:
        by_value = {name: one for name, one in entries.items() if isinstance(one, Held)}
        by_reference = {name: one for name, one in entries.items() if isinstance(one, Older)}
        return {
            "thread": place.thread,
            "namespace": place.namespace,
            "chained": place.thread in self.chained,
            "held": [_held_written(name, one) for name, one in by_value.items()],
            "older": [
                [name, one.parent, one.run, one.version, one.thread]
                for name, one in by_reference.items()
            ],
        }


def _held_written(name: str, held: Held) -> dict[str, Any]:
    """Names that a graph chose are values here: as names, the runtime would judge them."""
    return {
        "id": name,
        "parent": held.parent,
        "run": held.run,
        "checkpoint": held.checkpoint,
        "metadata": held.metadata,
        "channels": [list(pair) for pair in held.channels.items()],
        "writes": [list(one) for one in held.writes.values()],
    }


def read_state(document: Mapping[str, Any] | None, version: int) -> GraphState:
    """The state in a document of `GraphState.written`, from that version of the context.

    Raises ValueError where a newer release of this adapter has written it.
    """
    found = GraphState()
    if not document:
        return found
    if document["format"] > FORMAT:
        raise ValueError(
            f"a newer phoenix-dma recorded this graph (format {document['format']}): update it here"
        )
    found.values = dict(document["values"])
    for one in document["threads"]:
        place = Place(one["thread"], one["namespace"])
        if one["chained"]:
            found.chained.add(place.thread)
        entries = found.places.setdefault(place, {})
        for name, parent, run, at, thread in one["older"]:
            entries[name] = Older(parent, run, int(at), thread)
        for held in one["held"]:
            entries[held["id"]] = _held_read(held, version)
    return found


def _held_read(document: Mapping[str, Any], version: int) -> Held:
    writes = [
        Write(task, int(slot), path, channel, value)
        for task, slot, path, channel, value in document["writes"]
    ]
    return Held(
        parent=document["parent"],
        run=document["run"],
        checkpoint=document["checkpoint"],
        metadata=document["metadata"],
        channels={channel: key for channel, key in document["channels"]},  # noqa: C416  # lists
        writes={(one.task, one.slot): one for one in writes},
        recorded=version,
    )
