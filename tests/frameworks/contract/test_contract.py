"""What holds in every framework: a denied tool is not executed, an allowed one once."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_dma import Task
from phoenix_dma.portable import Message, Plan, PrivateState, ToolCall, record
from phoenix_dma.testing import Phoenix
from tests.frameworks.contract.running import Agents
from tests.support.waiting.until import PATIENCE
from tests.support.waiting.whole_story import whole_story

NEED: dict[str, Any] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
}
PAUSES = {"openai-agents"}


def call(tool: str, customer: int, **more: bool) -> dict[str, Any]:
    return {"tool": tool, "customer": customer, **more}


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_denied_tool_is_not_executed_and_the_model_reads_why(
    agents: Agents, phoenix: Phoenix, mode: str
) -> None:
    agents.start("agent.first", mode)
    calls = [call("look_up", 1), call("write_record", 1), call("look_up", 2)]
    task = phoenix.submit(
        input={"calls": calls}, policy_constraints=["no_direct_write"], max_attempts=1, **NEED
    )
    ended = phoenix.wait_for(task, timeout=PATIENCE)
    assert (ended.why, ended.result) == ("", {"said": "done"})
    assert agents.noted(effects=True) == ["agent.first look_up 1", "agent.first look_up 2"]
    said = agents.said(task.id)
    assert [one["role"] for one in said] == ["user", *["assistant", "tool"] * 3, "assistant"]
    told = said[4]["content"]
    assert "write_record was not executed: " in told
    assert "no_direct_write" in told
    assert said[1]["tool_calls"][0]["function"]["name"] == "look_up"
    assert "customer 1 is found" in said[2]["content"]


def test_what_a_human_allowed_happens_once_though_its_asker_died(
    agents: Agents, phoenix: Phoenix
) -> None:
    agents.start("agent.first")
    calls = [call("look_up", 1), call("merge", 1), call("look_up", 2)]
    constraints = ["human_approval_required_for_merge"]
    task = phoenix.submit(input={"calls": calls}, policy_constraints=constraints, **NEED)
    phoenix.wait_for_event(task, "APPROVAL_REQUESTED", timeout=PATIENCE)
    agents.kill("agent.first")
    phoenix.approve(task, by="human.steward")
    agents.start("agent.second")
    ended = phoenix.wait_for(task, timeout=PATIENCE)
    assert (ended.why, ended.result) == ("", {"said": "done"})
    assert agents.noted(effects=True) == [
        "agent.first look_up 1",
        "agent.second merge 1",
        "agent.second look_up 2",
    ]
    asked = [one for one in whole_story(phoenix, task.id) if one.type == "APPROVAL_REQUESTED"]
    assert len(asked) == 1


def test_a_run_that_the_framework_paused_goes_on_elsewhere_where_it_stood(
    agents: Agents, phoenix: Phoenix, framework: str
) -> None:
    if framework not in PAUSES:
        pytest.skip(f"{framework} has no pause of its own that we use")
    agents.start("agent.first")
    constraints = ["human_approval_required_for_merge"]
    given = {"calls": [call("merge", 1), call("look_up", 2)], "paused": True}
    task = phoenix.submit(input=given, policy_constraints=constraints, **NEED)
    phoenix.wait_for_event(task, "APPROVAL_REQUESTED", timeout=PATIENCE)
    agents.kill("agent.first")
    phoenix.approve(task, by="human.steward")
    agents.start("agent.second")
    ended = phoenix.wait_for(task, timeout=PATIENCE)
    assert (ended.why, ended.result) == ("", {"said": "done"})
    # The model is not asked for the merge again: the paused run had its call.
    assert agents.noted("agent.second") == [
        f"agent.second {what}" for what in ("joined", "merge 1", "asks 1", "look_up 2", "asks 2")
    ]


def test_what_a_human_refused_does_not_happen(agents: Agents, phoenix: Phoenix) -> None:
    agents.start("agent.first", "async")
    constraints = ["human_approval_required_for_merge"]
    calls = [call("merge", 1)]
    task = phoenix.submit(input={"calls": calls}, policy_constraints=constraints, **NEED)
    phoenix.reject(task, by="human.steward", comment="they are twins")
    ended = phoenix.wait_for(task, timeout=PATIENCE)
    assert (ended.why, ended.result) == ("", {"said": "done"})
    assert agents.noted(effects=True) == []
    assert "they are twins" in agents.said(task.id)[2]["content"]


def test_who_was_superseded_stops_before_its_next_tool(agents: Agents, phoenix: Phoenix) -> None:
    agents.start("agent.first")
    calls = [call("look_up", 1), call("look_up", 2, gated=True)]
    task = phoenix.submit(input={"calls": calls}, **NEED)
    agents.wait_for("agent.first", "waits")
    agents.let_go("agent.second")
    agents.start("agent.second")
    agents.stall("agent.first")
    ended = phoenix.wait_for(task, timeout=PATIENCE)
    agents.let_go("agent.first")
    agents.go_on("agent.first")
    assert agents.wait_for("agent.first", "stopped") == "agent.first stopped lost"
    assert (ended.why, ended.result) == ("", {"said": "done"})
    assert agents.noted(effects=True) == ["agent.first look_up 1", "agent.second look_up 2"]


def test_a_coroutine_that_lost_its_task_ends_inside_the_framework(
    agents: Agents, phoenix: Phoenix
) -> None:
    agents.start("agent.first", "async")
    calls = [call("look_up", 1), call("look_up", 2, gated=True)]
    task = phoenix.submit(input={"calls": calls}, **NEED)
    agents.wait_for("agent.first", "waits")
    phoenix.expire("agent.first")  # it registers anew, and gets the task again
    agents.wait_for("agent.first", "stopped lost")
    agents.let_go("agent.first")
    ended = phoenix.wait_for(task, timeout=PATIENCE)
    assert (ended.why, ended.result) == ("", {"said": "done"})
    assert agents.noted(effects=True) == ["agent.first look_up 1", "agent.first look_up 2"]


def leave_behind(task: Task) -> None:
    """What an agent of another framework records of its work."""
    before = ToolCall.of("call-1", "look_up", {"customer": 1})
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/1.png"}}
    record(
        task,
        messages=(
            Message("system", "You review."),
            Message("user", ({"type": "text", "text": "Review"}, picture)),
            Message("assistant", None, tool_calls=(before,)),
            Message("tool", "customer 1 is found", name="look_up", tool_call_id="call-1"),
        ),
        plan=Plan(("look", "tell"), 1),
        private=PrivateState("another", "1.0", "{}"),
    )


def test_it_goes_on_from_what_another_framework_left(agents: Agents, phoenix: Phoenix) -> None:
    def other(task: Task) -> None:
        leave_behind(task)
        phoenix.kill(first)

    first = phoenix.join(
        "agent.other",
        other,
        owner="data-governance",
        capabilities=NEED["required_capabilities"],
        data_domains=NEED["data_domains"],
    )
    calls = [call("look_up", 1), call("look_up", 2)]
    task = phoenix.submit(input={"calls": calls}, **NEED)
    phoenix.wait_for_event(task, "CONTEXT_CHECKPOINTED", timeout=PATIENCE)
    agents.start("agent.first")
    phoenix.expire(first)
    ended = phoenix.wait_for(task, timeout=PATIENCE)
    assert (ended.why, ended.result) == ("", {"said": "done"})
    assert agents.noted(effects=True) == ["agent.first look_up 2"]
    said = agents.said(task.id)
    assert [one["role"] for one in said] == [
        *["system", "user", "assistant", "tool", "assistant", "tool", "assistant"],
    ]
    context = phoenix.client.load_context(f"phoenix://context/{task.id}")
    (left,) = context["decisions"]
    unused = {one["path"] for one in left["unused"]}
    assert unused - {"messages[0]"} == {"plan", "messages[1].content[1]", "private[another]"}
    assert context["metadata"]["portable"]["plan"] == {"steps": ["look", "tell"], "position": 1}
