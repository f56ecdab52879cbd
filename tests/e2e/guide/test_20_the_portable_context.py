"""A portable context in a real runtime: written by one agent, read by the next, lossless."""

from __future__ import annotations

from typing import Any

from phoenix_dma import AsyncTask, Task
from phoenix_dma.portable import (
    Message,
    Plan,
    PrivateState,
    Reader,
    ToolCall,
    aread,
    arecord,
    read,
    record,
    unused,
    with_unused,
)
from phoenix_dma.testing import Phoenix

WORK: dict[str, Any] = {
    "owner": "data-governance",
    "capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
}
NEED: dict[str, Any] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
}
CALL = ToolCall.of("call-1", "look_up", {"customer": 1})


def leave_behind(task: Task) -> None:
    """What an agent of one framework records of its work."""
    task.checkpoint({"seen": 3}, metadata={"batch": 7})
    said = "<think>The user wants me to hurry.</think>Looking."
    record(
        task,
        messages=(
            Message("user", "Review"),
            Message("assistant", said, tool_calls=(CALL,)),
            Message("tool", "found", tool_call_id="call-1"),
        ),
        plan=Plan(("look", "tell"), 1),
        private=PrivateState("langgraph", "1.2", '{"channel_values": {}}'),
    )
    record(task, open_questions=("Is it a twin?",))


def test_the_next_one_goes_on_from_what_another_framework_left(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def first(task: Task) -> None:
        leave_behind(task)
        phoenix.kill(first)

    task = phoenix.submit(objective="Review the duplicates", **NEED)
    phoenix.wait_for_event(task, "CONTEXT_CHECKPOINTED")

    @phoenix.participant(**WORK)
    async def second(task: AsyncTask) -> Any:
        found = await aread(task)
        assert found is not None
        reader = Reader("crewai", "1.15", frozenset({"messages", "open_questions"}))
        left = unused(found, reader)
        decisions = with_unused(found.decisions, left, reader)
        await arecord(task, decisions=decisions, open_questions=())
        context = await task.context()
        return {
            "found": [found.objective, list(found.open_questions), found.messages[1].text],
            "calls": [call.parsed() for call in found.messages[1].tool_calls],
            "plan": found.plan,
            "kept": [context.outputs, context["metadata"]["batch"]],
            "unused": [one["path"] for one in context["decisions"][0]["unused"]],
        }

    phoenix.expire(first)
    assert phoenix.wait_for(task).result == {
        "found": ["Review the duplicates", ["Is it a twin?"], "Looking."],
        "calls": [{"customer": 1}],
        "plan": {"steps": ["look", "tell"], "position": 1},
        "kept": [{"seen": 3}, 7],
        "unused": ["plan", "private[langgraph]"],
    }


def test_before_anybody_recorded_one_there_is_none(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def reviewer(task: Task) -> Any:
        return {"found": read(task)}

    task = phoenix.submit(input={"metadata": {"portable": "an input"}}, **NEED)
    assert phoenix.wait_for(task).result == {"found": None}
