"""What adapters of frameworks share: policy is asked before a tool, and an error stops the run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from phoenix_dma import AssignmentLost, AsyncTask, NotJson, Task
from phoenix_dma.adapters.conversation import Conversation
from phoenix_dma.adapters.governance import NotExecuted, ToolAction, ToolGovernance
from phoenix_dma.adapters.task_calls import TaskCalls
from phoenix_dma.briefing import Authorization
from phoenix_dma.portable import Message, Plan, PrivateState, Reader, read, record
from phoenix_dma.testing import Phoenix
from tests.support.waiting.whole_story import whole_story

WORK: dict[str, Any] = {
    "owner": "data-governance",
    "capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "permissions": ["read_customer_master", "suggest_merge"],
}
NEED: dict[str, Any] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
}
TOOLS = {
    "write_record": ToolAction("data_mutation", "customer_master"),
    "join_twins": ToolAction("final_action", "customer_master", name="merge"),
}
READER = Reader("sample", "1.0", frozenset({"messages"}))


def test_an_allowed_tool_has_the_key_of_its_arguments(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    async def reviewer(task: AsyncTask) -> Any:
        governance = ToolGovernance(task, TOOLS)
        answers = [await governance.ask("look_up", {"customer": n}) for n in (1, 1, 2)]
        assert all(isinstance(one, Authorization) for one in answers)
        return {"ids": len({one.id for one in answers if isinstance(one, Authorization)})}

    task = phoenix.submit(**NEED)
    assert phoenix.wait_for(task).result == {"ids": 2}
    asked = [one for one in whole_story(phoenix, task.id) if one.type == "ACTION_AUTHORIZED"]
    assert {one.detail["name"] for one in asked} == {"look_up"}
    assert {one.detail["kind"] for one in asked} == {"tool_invocation"}


def test_a_denied_tool_says_what_policy_said(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def reviewer(task: Task) -> Any:
        governance = ToolGovernance(task, TOOLS)
        answer = asyncio.run(governance.ask("write_record", {"customer": 1}))
        assert isinstance(answer, NotExecuted)
        assert governance.stopped is None
        return {"told": str(answer), "remedy": answer.remedy}

    task = phoenix.submit(policy_constraints=["no_direct_write"], **NEED)
    result = phoenix.wait_for(task).result
    assert result is not None
    assert result["told"].startswith("write_record was not executed: ")
    assert "no_direct_write" in result["told"]
    assert result["remedy"]
    assert result["told"].endswith(result["remedy"])


def test_a_human_is_asked_under_the_name_that_policy_knows(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def reviewer(task: Task) -> Any:
        answer = asyncio.run(ToolGovernance(task, TOOLS).ask("join_twins", {"customer": 1}))
        return {"told": str(answer)}

    task = phoenix.submit(policy_constraints=["human_approval_required_for_merge"], **NEED)
    phoenix.reject(task, action="merge", comment="they are twins")
    result = phoenix.wait_for(task).result
    assert result is not None
    assert result["told"].startswith("join_twins was not executed: ")
    assert "they are twins" in result["told"]


def test_after_the_task_is_lost_no_tool_may_run(phoenix: Phoenix) -> None:
    found: list[Any] = []

    @phoenix.participant(**WORK)
    def reviewer(task: Task) -> None:
        governance = ToolGovernance(task)
        phoenix.kill(reviewer)
        for tool in ("look_up", "look_up_again"):
            with pytest.raises(AssignmentLost) as lost:
                asyncio.run(governance.ask(tool, {}))
            found.append(lost.value)
        with pytest.raises(AssignmentLost):
            governance.require()
        found.append(governance.stopped)

    task = phoenix.submit(**NEED)
    phoenix.wait_for_event(task, "TASK_STARTED")
    phoenix.expire(reviewer)
    phoenix.join("agent.second", lambda _: None, **WORK)
    phoenix.wait_for(task)
    assert len(found) == 3
    assert found[0] is found[1] is found[2]


def test_what_cannot_be_asked_is_not_executed_and_stops_the_run(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def reviewer(task: Task) -> Any:
        governance = ToolGovernance(task)
        for arguments in ({"at": object()}, {}):
            with pytest.raises(NotJson):
                asyncio.run(governance.ask("look_up", arguments))
        return {}

    assert phoenix.wait_for(phoenix.submit(**NEED)).result == {}


def test_an_unknown_kind_of_action_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="'tool' is none of: tool_invocation"):
        ToolAction("tool")
    with pytest.raises(ValueError, match="is none of"):
        ToolAction("")


def test_a_coroutine_is_asked_in_its_own_loop_from_whatever_loop(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    async def reviewer(task: AsyncTask) -> Any:
        governance = ToolGovernance(task)
        elsewhere = asyncio.to_thread(lambda: asyncio.run(governance.ask("look_up", {"n": 1})))
        answers = [await elsewhere, await governance.ask("look_up", {"n": 1})]
        return {"ids": len({one.id for one in answers if isinstance(one, Authorization)})}

    assert phoenix.wait_for(phoenix.submit(**NEED)).result == {"ids": 1}


def test_a_conversation_is_saved_once_and_names_what_it_left_unused(phoenix: Phoenix) -> None:
    said = (Message("user", "Review"), Message("assistant", "Done."))
    hidden = '{"items": [{"type": "reasoning"}]}'

    @phoenix.participant(**WORK)
    def reviewer(task: Task) -> Any:
        record(task, plan=Plan(("look",)), private=PrivateState("other", "1", "{}"))
        conversation = Conversation(TaskCalls(task), READER)

        async def worked() -> list[int]:
            await conversation.restore()
            versions = []
            for state in ("{}", "{}", hidden):
                await conversation.save(said, state)
                versions.append(task.version)
            return versions

        versions = asyncio.run(worked())
        found = read(task)
        assert found is not None
        assert found.messages == said
        again = Conversation(TaskCalls(task), READER)
        asyncio.run(again.restore())
        return {
            "versions": versions,
            "unused": [one["path"] for one in found.decisions[0]["unused"]],
            "private": {one.framework: one.state for one in found.private},
            "again": [one.path for one in again.unused],
        }

    assert phoenix.wait_for(phoenix.submit(**NEED)).result == {
        "versions": [2, 2, 3],
        "unused": ["plan", "private[other]"],
        "private": {"other": "{}", "sample": "{}"},
        "again": ["plan", "private[other]"],
    }
