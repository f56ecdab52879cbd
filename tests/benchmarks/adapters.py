"""What a framework's superstep costs when its checkpoints are a task's, beside its own savers."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

from phoenix_dma import Task
from phoenix_dma.adapters.langgraph import PhoenixCheckpointer, approve, run_graph
from phoenix_dma.testing import Phoenix, SharedRuntime
from tests.benchmarks.frame.figures import Family, Figure, Peer, Run

STATE: Final = "x" * 1024
WORK: Final[dict[str, Any]] = {
    "owner": "data-governance",
    "capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "permissions": ["read_customer_master", "suggest_merge"],
}
NEED: Final[dict[str, Any]] = {
    "required_capabilities": WORK["capabilities"],
    "data_domains": WORK["data_domains"],
}


class State(TypedDict, total=False):
    """1 KiB that each superstep changes, and how many supersteps there were."""

    n: int
    text: str


def graph(steps: int, *, asks: bool = False) -> StateGraph[Any, Any]:
    """A node that runs ``steps`` times, a superstep each; with ``asks`` it asks before each."""

    def count(state: State) -> State:
        n = state.get("n", 0) + 1
        if asks:
            approve("tool_invocation", "count", subject={"n": n}, domain="customer_master")
        return {"n": n, "text": f"{n}{STATE}"}

    made = StateGraph(State)
    made.add_node("count", count)
    made.add_edge(START, "count")
    made.add_conditional_edges("count", lambda state: "count" if state["n"] < steps else END)
    return made


def with_saver(steps: int, saver: BaseCheckpointSaver[Any] | None) -> float:
    """Milliseconds of a superstep with one of LangGraph's savers, each saved before the next."""
    made = graph(steps).compile(checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "one"}, "recursion_limit": steps + 2}
    begun = time.perf_counter()
    made.invoke({}, config, durability="sync" if saver is not None else None)
    return (time.perf_counter() - begun) * 1000 / steps


def on_a_task(task: Task) -> dict[str, float]:
    """Milliseconds of a superstep in a task's handler, and checkpoints of the task for each."""
    steps, asks = int(task.input["steps"]), bool(task.input["asks"])
    made = graph(steps, asks=asks).compile(checkpointer=PhoenixCheckpointer(task))
    begun = time.perf_counter()
    run_graph(made, task, {}, config={"recursion_limit": steps + 2})
    ms = (time.perf_counter() - begun) * 1000 / steps
    return {"ms": ms, "checkpoints": task.version / steps}


@contextmanager
def sqlite_saver() -> Iterator[SqliteSaver]:
    """LangGraph's saver for one machine, in a file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "checkpoints.sqlite"
        with closing(sqlite3.connect(file, check_same_thread=False)) as connection:
            yield SqliteSaver(connection)


def measured(steps: int) -> list[dict[str, float]]:
    """What `on_a_task` found: alone, and with a question to policy in each superstep."""
    with SharedRuntime() as runtime, Phoenix(runtime) as phoenix:
        phoenix.join("agent.counting", on_a_task, **WORK)
        values = []
        for asks in (False, True):
            task = phoenix.submit(**NEED, input={"steps": steps, "asks": asks})
            ended = phoenix.wait_for(task, timeout=600)
            if ended.result is None:
                raise RuntimeError(ended.why)
            values.append(ended.result)
    return values


async def measure(run: Run) -> AsyncIterator[Figure]:
    """A graph of one node, in a handler on a real runtime, and with LangGraph's own savers."""
    steps = run.choose(100, 10)
    run.say(f"adapters: {steps} supersteps of LangGraph, each saved before the next")
    saved, asked = await asyncio.to_thread(measured, steps)
    with sqlite_saver() as saver:
        sqlite = with_saver(steps, saver)
    memory, nothing = with_saver(steps, InMemorySaver()), with_saver(steps, None)
    note = f"LangGraph in memory {memory:.1f}, without a saver {nothing:.1f}"
    peer = Peer("SqliteSaver", sqlite)
    yield Figure(
        what="LangGraph superstep, PhoenixCheckpointer",
        value=saved["ms"],
        unit="ms",
        peer=peer,
        note=note,
    )
    yield Figure(what="LangGraph superstep with approve() in it", value=asked["ms"], unit="ms")
    yield Figure(
        what="LangGraph superstep, PhoenixCheckpointer",
        value=saved["checkpoints"],
        unit="checkpoints each",
        note="one more for the input",
    )


FAMILY = Family(
    name="adapters",
    asks="What does a framework's step cost when a task governs it?",
    measure=measure,
)
