"""The parts of the saver that need no runtime: batches, what becomes of a history, artifacts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from phoenix_dma.adapters.artifacts import FolderArtifacts, read_verified
from phoenix_dma.adapters.langgraph.batches import BatchedWrites
from phoenix_dma.adapters.langgraph.graph_state import GraphState, Held, Older, Place, read_state
from phoenix_dma.adapters.langgraph.history import SUBGRAPHS, forget_runs, keep_latest, shorten
from phoenix_dma.errors import ContextHashMismatch
from phoenix_dma.wire.canonical_json import bytes_hash
from tests.support.waiting.until import PATIENCE, wait_until

ROOT = Place("t", "")


def held(parent: str = "", *, recorded: int = 1, run: str = "") -> Held:
    stored = {"as": "null", "base64": ""}
    return Held(parent, run, stored, stored, {}, recorded=recorded)


def thread_of(size: int, *, place: Place = ROOT, recorded: int = 1) -> GraphState:
    """A chain of checkpoints ``c.0``, ``c.1``, …, all by value."""
    names = [f"c.{number}" for number in range(size)]
    parents = ["", *names]
    return GraphState(
        {place: {n: held(p, recorded=recorded) for n, p in zip(names, parents, strict=False)}}
    )


# Batches -----------------------------------------------------------------------------------------


def test_what_several_threads_have_changed_meanwhile_is_one_write() -> None:
    changed: list[int] = []
    written: list[list[int]] = []
    begun, goes_on = threading.Event(), threading.Event()

    def write() -> None:
        written.append(changed.copy())
        begun.set()
        assert goes_on.wait(PATIENCE)

    batches = BatchedWrites(write, 0.0)

    def change(number: int) -> None:
        changed.append(number)
        batches.record(at_once=True)

    with ThreadPoolExecutor(5) as pool:
        jobs = [pool.submit(change, 0)]
        assert begun.wait(PATIENCE)
        jobs += [pool.submit(change, number) for number in range(1, 5)]
        waiting = batches._open.recorded._cond._waiters  # type: ignore[attr-defined]
        wait_until(lambda: len(waiting) == 3)  # the fourth leads, and waits for its turn
        goes_on.set()
        for job in jobs:
            job.result(PATIENCE)
    assert [len(one) for one in written] == [1, 5]


def test_a_change_that_lingers_is_written_with_the_one_that_does_not() -> None:
    written: list[int] = []
    batches = BatchedWrites(lambda: written.append(1), PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        lingering = pool.submit(batches.record, at_once=False)
        wait_until(lambda: batches._open.led)
        batches.record(at_once=True)
        lingering.result(PATIENCE)
    assert written == [1]


def test_whoever_shares_a_write_that_fails_is_told() -> None:
    def write() -> None:
        raise LookupError

    batches = BatchedWrites(write, PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        lingering = pool.submit(batches.record, at_once=False)
        wait_until(lambda: batches._open.led)
        with pytest.raises(LookupError):
            batches.record(at_once=True)
        with pytest.raises(LookupError):
            lingering.result(PATIENCE)


# History -----------------------------------------------------------------------------------------


def test_what_is_recorded_and_not_the_newest_becomes_a_reference() -> None:
    state = thread_of(3)
    state.places[ROOT]["c.1"] = held("c.0", recorded=0)
    shorten(state, 100)
    kinds = [type(one) for one in state.places[ROOT].values()]
    assert kinds == [Older, Held, Held], "what no context has yet stays by value"
    assert state.places[ROOT]["c.0"] == Older("", "", 1, "t")


def test_the_oldest_references_of_a_thread_are_dropped() -> None:
    state = thread_of(6)
    shorten(state, 2)
    assert list(state.places[ROOT]) == ["c.3", "c.4", "c.5"]


def test_a_thread_whose_channels_build_on_earlier_checkpoints_keeps_them() -> None:
    state = thread_of(6)
    state.chained.add("t")
    shorten(state, 2)
    keep_latest(state, ["t"])
    assert len(state.places[ROOT]) == 6


def test_subgraphs_that_ran_long_ago_are_references_and_lasting_ones_are_not_dropped() -> None:
    state = thread_of(1)
    state.places[Place("t", "remembers")] = {"a.0": held()}
    for number in range(SUBGRAPHS + 2):
        state.places[Place("t", f"call:{number}")] = {f"b.{number:02}": held()}
    shorten(state, 1)
    assert isinstance(state.places[Place("t", "remembers")]["a.0"], Older)
    left = [place.namespace for place, one in state.places.items() if one]
    assert left == ["", "remembers", *(f"call:{n}" for n in range(1, SUBGRAPHS + 2))]


def test_keep_latest_and_runs() -> None:
    state = thread_of(3)
    state.places[Place("other", "")] = {"d.0": held(run="r")}
    keep_latest(state, ["t", "unknown"])
    forget_runs(state, ["r"])
    assert {place: list(one) for place, one in state.places.items()} == {ROOT: ["c.2"]}


def test_a_state_reads_back_as_it_was_written_and_one_of_a_newer_release_is_refused() -> None:
    state = thread_of(2)
    state.places[ROOT]["c.0"] = Older("", "r", 3, "source")
    document = state.written()
    state.settle(7)
    assert read_state(document, 7) == state
    with pytest.raises(ValueError, match="newer phoenix-dma"):
        read_state({**document, "format": 2}, 7)


# Artifacts ---------------------------------------------------------------------------------------


def test_an_artifact_is_read_by_whoever_mounts_the_folder_elsewhere(tmp_path: Path) -> None:
    content = b"large"
    ref = FolderArtifacts(tmp_path / "here").write(content, bytes_hash(content))
    (tmp_path / "here").rename(tmp_path / "there")
    store = FolderArtifacts(tmp_path / "there")
    assert read_verified(store, ref, bytes_hash(content)) == content
    assert store.write(content, bytes_hash(content)) == ref
    assert len([*(tmp_path / "there").iterdir()]) == 1


def test_another_content_and_another_folder_are_refused(tmp_path: Path) -> None:
    store = FolderArtifacts(tmp_path / "store")
    ref = store.write(b"large", bytes_hash(b"large"))
    (tmp_path / "secret").write_bytes(b"secret")
    with pytest.raises(ContextHashMismatch):
        read_verified(store, ref, bytes_hash(b"other"))
    for elsewhere in ("artifact:../secret", f"file:{tmp_path / 'secret'}"):
        with pytest.raises(ValueError, match="no address"):
            store.read(elsewhere)
