"""An agent whose task is a LangGraph graph; `test_killed_agents` starts and kills it.

Options: ``id``; ``effects``, a file to which every node appends a line once it has had its effect;
``asks``: approve or interrupt; ``hold_in``, a node in the middle of which it waits for ever;
``once``: the last node merges by an effect, and kills its process ``before`` or ``after`` doing it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from phoenix_dma import PhoenixClient, Task
from phoenix_dma.adapters.langgraph import (
    PhoenixCheckpointer,
    Questions,
    approve,
    effect,
    run_graph,
)
from tests.frameworks.langgraph.work import WORK

OPTIONS: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
PAIR = {"keep": "customer.1", "merge": "customer.2"}


class State(TypedDict, total=False):
    """What the graph knows."""

    found: list[str]
    answer: dict[str, Any]
    merged: str


def have_effect(node: str) -> None:
    """Have an effect outside the runtime: one line, which says who had it."""
    with Path(OPTIONS["effects"]).open("a") as file:
        file.write(f"{node} {OPTIONS['id']}\n")


def say(what: str) -> None:
    """Tell the test."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def collect(_: State) -> State:
    """The first node."""
    have_effect("collect")
    return {"found": ["customer.1", "customer.2"]}


def ask(_: State) -> State:
    """The second node, in which a human is asked or the process is killed."""
    say("in ask")
    if OPTIONS.get("hold_in") == "ask":
        threading.Event().wait()
    if OPTIONS.get("asks") == "interrupt":
        return {"answer": interrupt(PAIR)}
    if OPTIONS.get("asks") == "approve":
        allowed = approve("final_action", "merge", subject=PAIR)
        return {"answer": {"approved": True, "key": allowed.id}}
    return {"answer": {"approved": True, "key": ""}}


def merge(state: State) -> State:
    """The third node, whose effect must happen once."""
    if state["answer"]["approved"]:
        if "once" in OPTIONS:
            return {"merged": effect("final_action", "merge", PAIR).once(do, look)["by"]}
        have_effect("merge")
    return {"merged": OPTIONS["id"]}


def do(key: str) -> dict[str, str]:
    """Merge, and die of it where the test says so."""
    if OPTIONS["once"] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    have_effect(f"merge {key}")
    if OPTIONS["once"] == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"by": OPTIONS["id"]}


def look(key: str) -> dict[str, str] | None:
    """Whether it was merged under that key, and by whom."""
    for line in Path(OPTIONS["effects"]).read_text().splitlines():
        if line.startswith(f"merge {key} "):
            return {"by": line.split()[-1]}
    return None


def graph() -> StateGraph[State, None, State, State]:
    """The graph of this agent."""
    made = StateGraph(State)
    for node in (collect, ask, merge):
        made.add_node(node.__name__, node)
    made.add_edge(START, "collect")
    made.add_edge("collect", "ask")
    made.add_edge("ask", "merge")
    made.add_edge("merge", END)
    return made


def main() -> None:
    """Register, and work on whatever is assigned."""
    client = PhoenixClient()
    client.register_participant(id=OPTIONS["id"], type="agent", **WORK)

    @client.task_handler(capability="customer_validation")
    def review(task: Task) -> dict[str, Any]:
        say(f"began at version {task.version}")
        made = graph().compile(checkpointer=PhoenixCheckpointer(task))
        output: dict[str, Any] = run_graph(made, task, {}, questions=Questions("merge"))
        return output


if __name__ == "__main__":
    main()
