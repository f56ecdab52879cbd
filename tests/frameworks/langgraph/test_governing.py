"""What policy and humans decide reaches the graph: tools, interrupts, a participant that leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import interrupt

from phoenix_dma import AsyncTask, Task
from phoenix_dma.adapters.langgraph import (
    NobodyAsked,
    PhoenixCheckpointer,
    Questions,
    aapprove,
    approve,
    arun_graph,
    run_graph,
    tool_guard,
)
from phoenix_dma.testing import Phoenix
from tests.frameworks.langgraph.work import ASKS_A_HUMAN, NEED, WORK
from tests.support.waiting.until import wait_until


class Talk(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


class Answers(TypedDict, total=False):
    left: dict[str, Any]
    right: dict[str, Any]


def calls(name: str, **arguments: Any) -> Iterator[AIMessage]:
    """What the model says: it calls a tool, and then it is done."""
    call: Any = {"name": name, "args": arguments, "id": "call.1", "type": "tool_call"}
    return iter([AIMessage("", tool_calls=[call]), AIMessage("done")])


def agent_graph(effects: Path, domain: str) -> StateGraph[Any, Any]:
    """A model and a tool with an effect outside, which touches ``domain``."""

    @tool
    def send_letter(to: str) -> str:
        """Send a letter."""
        with effects.open("a") as file:
            file.write(f"to {to}\n")
        return "sent"

    model = GenericFakeChatModel(messages=calls("send_letter", to="customer.1"))
    made = StateGraph(Talk)
    made.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    made.add_node("tools", ToolNode([send_letter], **tool_guard(domain=domain)))
    made.add_edge(START, "model")
    made.add_conditional_edges("model", tools_condition)
    made.add_edge("tools", "model")
    return made


def result_of(messages: list[AnyMessage]) -> tuple[str, str]:
    (answer,) = (one for one in messages if one.type == "tool")
    return answer.status, answer.text


@pytest.mark.parametrize("handler", ["def", "async def"])
def test_a_denied_tool_is_not_executed_and_the_model_is_told_why(
    phoenix: Phoenix, tmp_path: Path, handler: str
) -> None:
    effects = tmp_path / "effects"
    given: Any = {"messages": ["Write to customer.1"]}

    def asks(task: Task) -> dict[str, Any]:
        said = {}
        for domain in ("product_master", "customer_master"):
            graph = agent_graph(effects, domain).compile(checkpointer=PhoenixCheckpointer(task))
            config: Any = {"configurable": {"thread_id": domain}}
            said[domain] = result_of(run_graph(graph, task, given, config=config)["messages"])
        return said

    async def asks_asynchronously(task: AsyncTask) -> dict[str, Any]:
        said = {}
        for domain in ("product_master", "customer_master"):
            graph = agent_graph(effects, domain).compile(checkpointer=PhoenixCheckpointer(task))
            config: Any = {"configurable": {"thread_id": domain}}
            output = await arun_graph(graph, task, given, config=config)
            said[domain] = result_of(output["messages"])
        return said

    phoenix.join("agent.writer", asks if handler == "def" else asks_asynchronously, **WORK)
    task = phoenix.submit(**NEED)
    result = phoenix.wait_for(task).result
    assert result is not None, phoenix.client.get_task(task.id).why
    assert result["customer_master"] == ["success", "sent"]
    status, text = result["product_master"]
    assert status == "error"
    assert "The task does not work on product_master" in text
    assert effects.read_text().splitlines() == ["to customer.1"]


def asking_graph() -> StateGraph[Any, Any]:
    """Two nodes of one superstep that interrupt, one of them in a subgraph."""
    inner = StateGraph(Answers)
    inner.add_node("ask", lambda _: {"left": interrupt("the left one?")})
    inner.add_edge(START, "ask")
    made = StateGraph(Answers)
    made.add_node("left", inner.compile())
    made.add_node("right", lambda _: {"right": interrupt("the right one?")})
    made.add_edge(START, "left")
    made.add_edge(START, "right")
    return made


def test_interrupts_are_asked_at_once_and_each_gets_its_humans_answer(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    async def asking(task: AsyncTask) -> Any:
        graph = asking_graph().compile(checkpointer=PhoenixCheckpointer(task))
        return await arun_graph(graph, task, {}, questions=Questions("merge"))

    task = phoenix.submit(**ASKS_A_HUMAN)
    pending = wait_until(lambda: two_pending(phoenix, task.id))
    assert [one.action for one in pending] == ["merge", "merge"]
    phoenix.reject(task, comment="somebody else")
    phoenix.approve(task, comment="the same person")
    result = phoenix.wait_for(task).result
    assert result is not None
    answers = sorted(result.values(), key=lambda one: one["outcome"])
    assert [(one["approved"], one["outcome"], one["comment"]) for one in answers] == [
        (True, "approved", "the same person"),
        (False, "rejected", "somebody else"),
    ]
    assert {one["decided_by"] for one in answers} == {"human.reviewer"}


def two_pending(phoenix: Phoenix, task_id: str) -> list[Any] | None:
    found = phoenix.client.list_approvals(statuses=("pending",), task_id=task_id)
    return found if len(found) == 2 else None


def test_an_interrupt_that_policy_asks_nobody_about_ends_the_task(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def asking(task: Task) -> Any:
        graph = asking_graph().compile(checkpointer=PhoenixCheckpointer(task))
        return run_graph(graph, task, {})

    ended = phoenix.wait_for(phoenix.submit(**NEED))
    assert (ended.status, ended.attempt) == ("failed", 1)
    assert "policy asks none for interrupt" in ended.why
    assert issubclass(NobodyAsked, Exception)


def test_policys_own_yes_and_no_are_answers_where_that_is_said(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def asking(task: Task) -> Any:
        found = {}
        for domain in ("customer_master", "product_master"):
            graph = asking_graph().compile(checkpointer=PhoenixCheckpointer(task))
            questions = Questions(domain=domain, policy_suffices=True)
            config: Any = {"configurable": {"thread_id": domain}}
            answers = run_graph(graph, task, {}, config=config, questions=questions)
            found[domain] = [answers[side]["outcome"] for side in ("left", "right")]
        return found

    result = phoenix.wait_for(phoenix.submit(**NEED)).result
    assert result == {"customer_master": ["approved"] * 2, "product_master": ["denied"] * 2}


def test_a_graph_is_handed_off_between_two_nodes_when_its_participant_leaves(
    phoenix: Phoenix,
) -> None:
    ran: list[str] = []

    def graph(agent: str, leave: Any) -> StateGraph[Any, Any]:
        def one(_: Answers) -> Answers:
            leave()
            ran.append(f"one {agent}")
            return {"left": {"by": agent}}

        def two(_: Answers) -> Answers:
            ran.append(f"two {agent}")
            return {"right": {"by": agent}}

        made = StateGraph(Answers)
        made.add_node("one", one)
        made.add_node("two", two)
        made.add_edge(START, "one")
        made.add_edge("one", "two")
        made.add_edge("two", END)
        return made

    def first(task: Task) -> Any:
        made = graph("first", task.aio.lease.draining.set)  # as the SDK does at SIGTERM
        return run_graph(made.compile(checkpointer=PhoenixCheckpointer(task)), task, {})

    def second(task: Task) -> Any:
        made = graph("second", lambda: None)
        return run_graph(made.compile(checkpointer=PhoenixCheckpointer(task)), task, {})

    phoenix.join("agent.first", first, **WORK)
    task = phoenix.submit(**NEED)
    wait_until(lambda: ran)
    phoenix.join("agent.second", second, **WORK)
    result = phoenix.wait_for(task).result
    assert result == {"left": {"by": "first"}, "right": {"by": "second"}}
    assert ran == ["one first", "two second"]


def test_a_graph_with_breakpoints_is_not_run(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def breaking(task: Task) -> str:
        saver = PhoenixCheckpointer(task)
        graph = asking_graph().compile(checkpointer=saver, interrupt_before=["right"])
        with pytest.raises(ValueError, match="breakpoints"):
            run_graph(graph, task, {})
        return "refused"

    assert phoenix.wait_for(phoenix.submit(**NEED)).result == {"value": "refused"}


def test_asking_is_refused_where_no_task_is_at_work_and_where_it_would_block_the_loop(
    phoenix: Phoenix,
) -> None:
    with pytest.raises(RuntimeError, match="no task is at work"):
        approve("tool_invocation", "send", subject={})

    @phoenix.participant(**WORK)
    async def blocking(task: AsyncTask) -> dict[str, Any]:
        said = []

        async def node(_: Answers) -> Answers:
            try:
                approve("tool_invocation", "send", subject={})
            except RuntimeError as error:
                said.append(str(error))
            allowed = await aapprove("tool_invocation", "send", subject={})
            return {"left": {"key": allowed.id}}

        made = StateGraph(Answers)
        made.add_node("node", node)
        made.add_edge(START, "node")
        output = await arun_graph(made.compile(checkpointer=PhoenixCheckpointer(task)), task, {})
        return {"said": said, **output}

    result = phoenix.wait_for(phoenix.submit(**NEED)).result
    assert result is not None
    assert "would wait for the loop" in result["said"][0]
    assert result["left"]["key"].startswith("authorization.")
