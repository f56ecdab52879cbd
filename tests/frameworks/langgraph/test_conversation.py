"""A graph's messages are there for agents of other frameworks, and theirs for a graph."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from phoenix_dma import Task
from phoenix_dma.adapters.langgraph import (
    PhoenixCheckpointer,
    conversation,
    inherited_messages,
    run_graph,
)
from phoenix_dma.portable import Message, Plan, PrivateState, ToolCall, read, record
from phoenix_dma.testing import Phoenix
from tests.frameworks.langgraph.work import NEED, WORK


class Talk(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


CALL: Any = {"name": "look", "args": {"at": "customer.1"}, "id": "call.1", "type": "tool_call"}
THOUGHT = {"type": "thinking", "thinking": "it may be customer.2"}


def answers(_: Talk) -> Any:
    """Two messages, one of them with a model's reasoning in a part and in a tag."""
    text = {"type": "text", "text": "<think>or not</think>I look."}
    called = AIMessage([THOUGHT, text], tool_calls=[CALL])
    return {"messages": [called, ToolMessage("active", tool_call_id="call.1")]}


def graph() -> StateGraph[Any, Any]:
    made = StateGraph(Talk)
    made.add_node("answer", answers)
    made.add_edge(START, "answer")
    made.add_edge("answer", END)
    return made


def test_what_a_graph_said_is_in_the_portable_context(phoenix: Phoenix) -> None:
    said: list[Any] = []

    @phoenix.participant(**WORK)
    def talking(task: Task) -> None:
        record(task, plan=Plan(("look", "tell")))
        saver = PhoenixCheckpointer(task, portable=conversation)
        given = {"messages": [HumanMessage("Review customer.1")]}
        run_graph(graph().compile(checkpointer=saver), task, given)
        said.append(read(task))

    ended = phoenix.wait_for(phoenix.submit(**NEED))
    assert ended.status == "succeeded", ended.why
    (found,) = said
    assert [(one.role, one.text) for one in found.messages] == [
        ("user", "Review customer.1"),
        ("assistant", "I look."),
        ("tool", "active"),
    ]
    assert found.messages[1].tool_calls[0].parsed() == {"at": "customer.1"}
    assert found.plan == Plan(("look", "tell")), "what others recorded stays"
    assert [one.framework for one in found.private] == ["langgraph"]


def test_a_graph_goes_on_with_what_another_framework_left_and_names_the_rest(
    phoenix: Phoenix,
) -> None:
    said: list[Any] = []

    @phoenix.participant(**WORK)
    def inheriting(task: Task) -> None:
        call = ToolCall.of("call.1", "look", {"at": "customer.1"})
        record(
            task,
            messages=(
                Message("user", "Review customer.1"),
                Message("assistant", None, tool_calls=(call,)),
                Message("tool", "active", tool_call_id="call.1"),
            ),
            private=PrivateState("crewai", "1.15", "…"),
        )
        inherited_messages(task)
        saver = PhoenixCheckpointer(task, portable=conversation)
        given = {"messages": inherited_messages(task)}
        output = run_graph(graph().compile(checkpointer=saver), task, given)
        said.extend([output["messages"], read(task)])

    ended = phoenix.wait_for(phoenix.submit(**NEED))
    assert ended.status == "succeeded", ended.why
    messages, found = said
    assert [one.type for one in messages] == ["human", "ai", "tool", "ai", "tool"]
    assert messages[1].tool_calls == [CALL]
    (left,) = found.decisions
    assert [one["path"] for one in left["unused"]] == ["private[crewai]"]
    assert {one.framework for one in found.private} == {"crewai", "langgraph"}
