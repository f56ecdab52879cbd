"""Where a graph's state is: newest by value, older by reference, large values in a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.graph import END, START, StateGraph

from phoenix_dma import Task
from phoenix_dma.adapters.langgraph import FolderArtifacts, PhoenixCheckpointer, run_graph
from phoenix_dma.errors import ContextHashMismatch, TooLarge
from phoenix_dma.testing import Phoenix
from tests.frameworks.langgraph.work import NEED, WORK

LARGE = 3 << 20


def appended(known: list[int], new: list[list[int]]) -> list[int]:
    return [*known, *(one for some in new for one in some)]


class Counting(TypedDict, total=False):
    n: int
    seen: Annotated[list[int], DeltaChannel(appended, list)]


class Plain(TypedDict, total=False):
    n: int
    blob: bytes


def counting(schema: Any) -> StateGraph[Any, Any]:
    """A node that counts to six, a superstep each."""

    def count(state: Any) -> Any:
        n = state.get("n", 0) + 1
        return {"n": n, "seen": [n]} if schema is Counting else {"n": n}

    made = StateGraph(schema)
    made.add_node("count", count)
    made.add_edge(START, "count")
    made.add_conditional_edges("count", lambda state: "count" if state["n"] < 6 else END)
    return made


def by_value(task: Task) -> int:
    threads = task.context()["framework_state"]["langgraph"]["threads"]
    return sum(len(thread["held"]) for thread in threads)


def test_older_checkpoints_are_references_that_the_next_owner_reads_too(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def working(task: Task) -> dict[str, Any]:
        config: Any = {"configurable": {"thread_id": task.id}}
        task.checkpoint(framework_state={"other": {"kept": True}}, decisions=["begun"])
        graph = counting(Plain).compile(checkpointer=PhoenixCheckpointer(task))
        run_graph(graph, task, {})
        history = [one.values.get("n", 0) for one in graph.get_state_history(config)]
        again = counting(Plain).compile(checkpointer=PhoenixCheckpointer(task))
        assert [one.values.get("n", 0) for one in again.get_state_history(config)] == history
        bounded = counting(Plain).compile(checkpointer=PhoenixCheckpointer(task, history=2))
        other: Any = {"configurable": {"thread_id": "bounded"}}
        run_graph(bounded, task, {}, config=other)
        return {
            "history": history,
            "bounded": [one.values["n"] for one in bounded.get_state_history(other)],
            "by_value": by_value(task),
            "other": task.context()["framework_state"]["other"],
            "decisions": task.context()["decisions"],
        }

    result = phoenix.wait_for(phoenix.submit(**NEED)).result
    assert result is not None
    assert result["history"] == [6, 5, 4, 3, 2, 1, 0, 0]
    assert result["bounded"][0] == 6
    assert len(result["bounded"]) < 6
    assert result["by_value"] <= 4, "the newest two of each thread at most"
    assert result["other"] == {"kept": True}
    assert result["decisions"] == ["begun"]


def test_what_a_delta_channel_builds_on_is_not_dropped(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def working(task: Task) -> dict[str, Any]:
        config: Any = {"configurable": {"thread_id": task.id}}
        saver = PhoenixCheckpointer(task, history=1)
        run_graph(counting(Counting).compile(checkpointer=saver), task, {})
        saver.prune([task.id])
        again = counting(Counting).compile(checkpointer=PhoenixCheckpointer(task))
        return dict(again.get_state(config).values)

    result = phoenix.wait_for(phoenix.submit(**NEED)).result
    assert result == {"n": 6, "seen": [1, 2, 3, 4, 5, 6]}


def test_a_large_value_is_refused_without_a_store_and_kept_in_one(
    phoenix: Phoenix, tmp_path: Path
) -> None:
    made = StateGraph(Plain)
    made.add_node("scan", lambda _: {"blob": bytes(LARGE)})
    made.add_node("measure", lambda state: {"n": len(state["blob"])})
    made.add_edge(START, "scan")
    made.add_edge("scan", "measure")
    store = FolderArtifacts(tmp_path)

    @phoenix.participant(**WORK)
    def scanning(task: Task) -> dict[str, Any]:
        with pytest.raises(TooLarge) as refused:
            run_graph(made.compile(checkpointer=PhoenixCheckpointer(task)), task, {})
        config: Any = {"configurable": {"thread_id": "stored"}}
        graph = made.compile(checkpointer=PhoenixCheckpointer(task, artifacts=store))
        size = run_graph(graph, task, {}, config=config)["n"]
        (file,) = tmp_path.iterdir()
        kept = file.read_bytes()
        file.write_bytes(kept[:-1] + b"x")
        with pytest.raises(ContextHashMismatch):
            PhoenixCheckpointer(task, artifacts=store).get_tuple(config)
        return {"remedy": refused.value.remedy, "size": size}

    result = phoenix.wait_for(phoenix.submit(**NEED)).result
    assert result is not None
    assert "artifacts=FolderArtifacts(folder)" in result["remedy"]
    assert result["size"] == LARGE


def test_a_participants_checkpoint_beside_the_graph_is_no_conflict(phoenix: Phoenix) -> None:
    """Nodes of one superstep that checkpoint themselves, from several threads."""

    running: list[Task] = []
    made = StateGraph(Plain)
    made.add_node("begin", lambda _: {})
    made.add_node("end", lambda _: {"n": 2})
    for name in ("a", "b", "c", "d"):
        made.add_node(name, lambda _, name=name: running[0].checkpoint(artifacts=[name]) and {})
        made.add_edge("begin", name)
    made.add_edge(START, "begin")
    made.add_edge(["a", "b", "c", "d"], "end")

    @phoenix.participant(**WORK)
    def working(task: Task) -> dict[str, Any]:
        running.append(task)
        output = run_graph(made.compile(checkpointer=PhoenixCheckpointer(task)), task, {})
        return {**output, "artifacts": task.context()["artifacts"]}

    result = phoenix.wait_for(phoenix.submit(**NEED)).result
    assert result is not None
    assert result["n"] == 2
    assert result["artifacts"][0] in {"a", "b", "c", "d"}
