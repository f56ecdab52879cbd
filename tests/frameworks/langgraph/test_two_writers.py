"""Two processes with one thread: the one that was superseded writes nothing and runs no node.

LangGraph's own suite has no clause on this. With its database savers both go on and the chain of
checkpoints forks (langgraph#8796), and writes that come late bring deleted threads back (#7206).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph

from phoenix_dma import AssignmentLost, Task
from phoenix_dma.adapters.langgraph import PhoenixCheckpointer, run_graph
from phoenix_dma.aio.work.task_lease import TaskLease
from phoenix_dma.testing import Phoenix
from tests.frameworks.langgraph.work import NEED, WORK
from tests.support.waiting.until import PATIENCE
from tests.support.waiting.whole_story import whole_story


class State(TypedDict, total=False):
    ran: list[str]


class Unaware(TaskLease):
    """The lease of a process that has not noticed yet: what stops it is the runtime alone."""

    def lose(self, reason: str) -> None:
        del reason


def graph(agent: str, ran: list[str], between: Callable[[], None]) -> StateGraph[Any, Any]:
    """Three nodes, ``between`` happens inside the second one."""

    def one(_: State) -> State:
        ran.append(f"one {agent}")
        return {"ran": ["one"]}

    def two(state: State) -> State:
        between()
        ran.append(f"two {agent}")
        return {"ran": [*state["ran"], "two"]}

    def three(state: State) -> State:
        ran.append(f"three {agent}")
        return {"ran": [*state["ran"], "three"]}

    made = StateGraph(State)
    for node in (one, two, three):
        made.add_node(node.__name__, node)
    made.add_edge(START, "one")
    made.add_edge("one", "two")
    made.add_edge("two", "three")
    made.add_edge("three", END)
    return made


class Race:
    """Two agents at one task: the first holds its second node until the other has finished."""

    def __init__(self, phoenix: Phoenix, run: Callable[[StateGraph[Any, Any], Task], Any]) -> None:
        self.ran: list[str] = []
        self.error: BaseException | None = None
        self._in_two, self._finished, self._over = (threading.Event() for _ in range(3))
        self._run = run
        phoenix.join("agent.first", self._first, **WORK)
        self.task = phoenix.submit(**NEED)
        assert self._in_two.wait(PATIENCE)
        phoenix.join("agent.second", self._second, **WORK)
        phoenix.client.hand_off(self.task.id)
        self.result = phoenix.wait_for(self.task, timeout=PATIENCE).result
        self._finished.set()
        assert self._over.wait(PATIENCE)

    def _first(self, task: Task) -> None:
        task.aio.lease = Unaware(task.id, task.epoch, lambda: True)
        try:
            self._run(graph("first", self.ran, self._hold), task)
        except BaseException as error:
            self.error = error
            raise
        finally:
            self._over.set()

    def _hold(self) -> None:
        self._in_two.set()
        assert self._finished.wait(PATIENCE)

    def _second(self, task: Task) -> Any:
        made = graph("second", self.ran, lambda: None)
        return run_graph(made.compile(checkpointer=PhoenixCheckpointer(task)), task, {})


def by_hand(made: StateGraph[Any, Any], task: Task) -> None:
    """As somebody runs a graph who uses the saver alone."""
    saver = PhoenixCheckpointer(task)
    made.compile(checkpointer=saver).invoke({}, {"configurable": {"thread_id": task.id}})


def governed(made: StateGraph[Any, Any], task: Task) -> None:
    run_graph(made.compile(checkpointer=PhoenixCheckpointer(task)), task, {})


def test_whoever_is_superseded_is_refused_by_the_runtime_at_its_next_write(
    phoenix: Phoenix,
) -> None:
    race = Race(phoenix, governed)
    assert isinstance(race.error, AssignmentLost)
    assert race.result == {"ran": ["one", "two", "three"]}
    assert race.ran == ["one first", "two second", "three second", "two first"]
    by = [
        one.participant
        for one in whole_story(phoenix, race.task.id)
        if one.type == "CONTEXT_CHECKPOINTED"
    ]
    assert by == sorted(by), "nothing of the first agent after the second one's"
    assert {"agent.first", "agent.second"} == set(by)


def test_whoever_knows_that_it_was_superseded_does_not_reach_its_next_node(
    phoenix: Phoenix,
) -> None:
    """With the saver alone: LangGraph saves in the background and goes on meanwhile."""
    ran: list[str] = []
    ended: list[BaseException] = []
    over = threading.Event()

    def first(task: Task) -> None:
        def lost() -> None:
            phoenix.expire("agent.first")
            assert task.aio.lease.ended.wait(PATIENCE)

        try:
            by_hand(graph("first", ran, lost), task)
        except BaseException as error:
            ended.append(error)
            raise
        finally:
            over.set()

    phoenix.join("agent.first", first, **{**WORK, "capacity": 1})
    phoenix.submit(**NEED, max_losses=1)
    assert over.wait(PATIENCE)
    assert [type(one) for one in ended] == [AssignmentLost]
    assert ran == ["one first", "two first"], "the third node was not reached"


def test_what_comes_late_does_not_bring_a_deleted_thread_back(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def deleting(task: Task) -> int:
        saver = PhoenixCheckpointer(task)
        config: Any = {"configurable": {"thread_id": "t"}}
        graph("any", [], lambda: None).compile(checkpointer=saver).invoke({}, config)
        last = saver.get_tuple(config)
        assert last is not None
        saver.delete_thread("t")
        saver.put_writes(last.config, [("ran", ["late"])], "task", "")
        saver.put(last.config, {**last.checkpoint, "id": "late"}, last.metadata, {})
        again = PhoenixCheckpointer(task)
        return len([*saver.list(None), *again.list(None)])

    assert phoenix.wait_for(phoenix.submit(**NEED)).result == {"value": 0}


def test_a_graph_without_the_tasks_saver_is_not_run(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def bare(task: Task) -> str:
        with pytest.raises(ValueError, match="no checkpointer of this task"):
            run_graph(graph("any", [], lambda: None).compile(), task, {})
        return "refused"

    assert phoenix.wait_for(phoenix.submit(**NEED)).result == {"value": "refused"}
