"""What of a graph's history stays by value, by reference, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from phoenix_dma.adapters.langgraph.graph_state import (
    ROOT,
    Entries,
    GraphState,
    Held,
    Older,
    Place,
)

OLDER: Final = 100
"""Checkpoints of a thread that are kept by reference: about 150 bytes each in every context."""
SUBGRAPHS: Final = 8
"""Subgraphs of a thread whose newest checkpoint is kept by value, those that ran last."""
OF_ONE_CALL: Final = ":"
"""Stands in the namespace of a subgraph that begins anew at each call."""


def shorten(state: GraphState, older: int) -> None:
    """Turn what is recorded and not the newest into references, and drop the oldest of those.

    ``older`` are kept in a thread. Never dropped are the newest of the graph and of subgraphs that
    remember earlier calls, and whatever a delta channel builds on.
    """
    for thread in {place.thread for place in state.places}:
        places = {place: one for place, one in state.places.items() if place.thread == thread}
        by_value = _by_value(places)
        for place, entries in places.items():
            _refer(place, entries, by_value)
        if thread not in state.chained:
            _drop(places, older)


def keep_latest(state: GraphState, threads: Iterable[str]) -> None:
    """Drop all but the newest checkpoint of each place, and what that builds on."""
    wanted = set(threads)
    for place in [place for place in state.places if place.thread in wanted]:
        entries = state.places[place]
        keeps = _chain(entries, max(entries)) if place.thread in state.chained else {max(entries)}
        for name in [name for name in entries if name not in keeps]:
            del entries[name]


def forget_runs(state: GraphState, runs: Iterable[str]) -> None:
    """Drop the checkpoints that these runs made."""
    wanted = set(runs)
    for entries in state.places.values():
        for name in [name for name, one in entries.items() if one.run in wanted]:
            del entries[name]
    drop_empty(state)


def drop_empty(state: GraphState) -> None:
    """Drop places without a checkpoint."""
    for place in [place for place, entries in state.places.items() if not entries]:
        del state.places[place]


def _by_value(places: dict[Place, Entries]) -> set[Place]:
    """The places whose newest checkpoint is kept by value."""
    subgraphs = sorted(
        (place for place, entries in places.items() if place.namespace != ROOT and entries),
        key=lambda place: max(places[place]),
    )
    return {*subgraphs[-SUBGRAPHS:], *(place for place in places if place.namespace == ROOT)}


def _refer(place: Place, entries: Entries, by_value: set[Place]) -> None:
    newest = max(entries, default="")
    for name, one in list(entries.items()):
        stays = name == newest and place in by_value
        if isinstance(one, Held) and one.recorded > 0 and not stays:
            entries[name] = Older(one.parent, one.run, one.recorded, place.thread)


def _drop(places: dict[Place, Entries], older: int) -> None:
    """Drop the oldest references of a thread, ``older`` stay."""
    lasting = {max(one) for place, one in places.items() if one and not _of_one_call(place)}
    droppable = sorted(
        (name, place)
        for place, entries in places.items()
        for name, one in entries.items()
        if isinstance(one, Older) and name not in lasting
    )
    for name, place in droppable[: max(0, len(droppable) - older)]:
        del places[place][name]


def _of_one_call(place: Place) -> bool:
    return OF_ONE_CALL in place.namespace


def _chain(entries: Entries, name: str) -> set[str]:
    """A checkpoint and those that it descends from."""
    chain: set[str] = set()
    while name in entries and name not in chain:
        chain.add(name)
        name = entries[name].parent
    return chain
