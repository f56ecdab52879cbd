"""Runs a graph for a task: resumed where it was, stopped in time, its interrupts asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import merge_configs
from langgraph.errors import GraphDrained
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Durability, StateSnapshot

from phoenix_dma.adapters.bound_task import BoundTask, bound, elsewhere
from phoenix_dma.adapters.langgraph.checkpointer import PhoenixCheckpointer
from phoenix_dma.adapters.langgraph.interrupts import Questions
from phoenix_dma.adapters.langgraph.lease_guard import LeaseControl, LeaseGuard
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.errors import AssignmentLost, HandOff
from phoenix_dma.task import Task

Graph = CompiledStateGraph[Any, Any, Any, Any]
DURABILITY: Final[Durability] = "sync"
"""A superstep is recorded before the next one starts, so that its nodes do not run again."""
QUESTIONS: Final = Questions()


def run_graph(
    graph: Graph,
    task: Task,
    given: Any,
    *,
    config: RunnableConfig | None = None,
    questions: Questions = QUESTIONS,
) -> Any:
    """Run a graph to its end, and return its output.

    A task that another owner began goes on from the last checkpoint; ``given`` is the input where
    there is none yet. The thread is the task's id, unless ``config`` names one. An `interrupt` of
    the graph is asked as an approval, and the answer is its value (see `Questions.ask`).

    Raises `AssignmentLost` before the next node, tool or model call once the task is lost,
    `HandOff` after the superstep that runs while the participant leaves, ValueError where the graph
    was not compiled with a `PhoenixCheckpointer` of this task.
    """
    with bound(task) as here:
        run = GraphRun(graph, here, config)
        state = graph.get_state(run.config)
        while True:
            answers = questions.ask(here, state.interrupts)
            with run.stopping_in_time():
                output = graph.invoke(run.next_input(state, given, answers), **run.arguments)
            state = graph.get_state(run.config)
            if not state.interrupts:
                return output


async def arun_graph(
    graph: Graph,
    task: AsyncTask | Task,
    given: Any,
    *,
    config: RunnableConfig | None = None,
    questions: Questions = QUESTIONS,
) -> Any:
    """As `run_graph`, in an asynchronous handler."""
    with bound(task) as here:
        run = GraphRun(graph, here, config)
        state = await graph.aget_state(run.config)
        while True:
            answers = await elsewhere(questions.ask, here, state.interrupts)
            with run.stopping_in_time():
                output = await graph.ainvoke(run.next_input(state, given, answers), **run.arguments)
            state = await graph.aget_state(run.config)
            if not state.interrupts:
                return output


class GraphRun:
    """What the synchronous and the asynchronous run of a graph have in common."""

    def __init__(self, graph: Graph, task: BoundTask, config: RunnableConfig | None) -> None:
        saver = graph.checkpointer
        if not isinstance(saver, PhoenixCheckpointer) or saver.task.aio is not task.aio:
            raise ValueError(
                "the graph has no checkpointer of this task: "
                "builder.compile(checkpointer=PhoenixCheckpointer(task)), in the handler"
            )
        if graph.interrupt_before_nodes or graph.interrupt_after_nodes:
            raise ValueError(
                "the graph has breakpoints (interrupt_before, interrupt_after), which ask nobody: "
                "call interrupt() in the node"
            )
        self._task = task
        ours: RunnableConfig = {
            "configurable": {"thread_id": task.id},
            "callbacks": [LeaseGuard(task.lease)],
        }
        self.config = merge_configs(ours, config)
        self.arguments: dict[str, Any] = {
            "config": self.config,
            "durability": DURABILITY,
            "control": LeaseControl(task.lease),
        }

    @staticmethod
    def next_input(state: StateSnapshot, given: Any, answers: dict[str, Any]) -> Any:
        """The input of a run: nothing where a checkpoint is continued."""
        if answers:
            return Command(resume=answers)
        return given if state.metadata is None else None

    @contextmanager
    def stopping_in_time(self) -> Iterator[None]:
        """Raise `AssignmentLost` or `HandOff` where `LeaseControl` ended the run."""
        try:
            yield
        except GraphDrained as drained:
            self._task.lease.require()
            if self._task.lease.draining.is_set():
                raise HandOff(f"{drained.reason}; the graph is recorded") from drained
            raise AssignmentLost(f"the graph stopped: {drained.reason}, or was") from drained
