"""A tool of an MCP server is called only once it was authorised for the task, and not after."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import mcp
import pytest

from phoenix_dma import AssignmentLost, Task
from phoenix_dma.adapters.governance import ToolAction
from phoenix_dma.adapters.mcp import GovernedTools, ToolRule, ToolRules, governed_tools
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.errors import (
    ApprovalRejected,
    ApprovalRequired,
    PhoenixError,
    PolicyDenied,
    QuotaExceeded,
)
from phoenix_dma.testing import Phoenix
from phoenix_dma.wire.canonical_json import content_hash
from tests.frameworks.mcp.records_server import records
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
MERGE: dict[str, Any] = {**NEED, "policy_constraints": ["human_approval_required_for_merge"]}
PAIR = {"left": "Ann", "right": "ann"}


class Host:
    """An agent whose handler calls tools of a server in its own process."""

    def __init__(self, rules: ToolRules | None = None) -> None:
        self.done: list[dict[str, Any]] = []
        """What the tools did."""
        self.rules = rules
        self.server = records(self.done.append)

    async def call(self, task: AsyncTask | Task, tool: str, **arguments: Any) -> Any:
        """Call one tool of a new connection."""
        async with governed_tools(task, self.server, self.rules) as tools:
            return (await tools.call(tool, arguments)).structured_content


def test_a_call_is_in_the_audit_with_the_hash_of_its_content(phoenix: Phoenix) -> None:
    host = Host()

    @phoenix.participant(**WORK)
    async def agent(task: AsyncTask) -> dict[str, Any]:
        first = await host.call(task, "compare", **PAIR)
        await host.call(task, "compare", **PAIR)
        return {"answer": first}

    task = phoenix.submit(**NEED)
    assert phoenix.wait_for(task).result == {"answer": {"same": True}}
    given = [one for one in whole_story(phoenix, task.id) if one.type == "ACTION_AUTHORIZED"]
    assert len(given) == 1, "the same call is the same action"
    detail = dict(given[0].detail)
    assert (detail["kind"], detail["name"]) == ("tool_invocation", "compare")
    assert detail["subject_hash"] == content_hash({"tool": "compare", "arguments": PAIR})
    assert [one["by"] for one in host.done] == [detail["authorization_id"]] * 2


def test_a_handler_that_is_a_thread_calls_tools_too(phoenix: Phoenix) -> None:
    host = Host()

    @phoenix.participant(**WORK)
    def agent(task: Task) -> Any:
        return asyncio.run(host.call(task, "compare", **PAIR))

    assert phoenix.wait_for(phoenix.submit(**NEED)).result == {"same": True}
    assert host.done[0]["by"].startswith("authorization.")


def test_what_policy_denies_is_not_called(phoenix: Phoenix) -> None:
    host = Host()

    @phoenix.participant(**{**WORK, "permissions": []})
    async def agent(task: AsyncTask) -> str:
        with pytest.raises(PolicyDenied, match="no permission to read customer_master"):
            await host.call(task, "compare", **PAIR)
        return "denied"

    task = phoenix.submit(**NEED)
    assert phoenix.wait_for(task).result == {"value": "denied"}
    assert host.done == []
    assert "ACTION_DENIED" in [one.type for one in whole_story(phoenix, task.id)]


def test_a_rule_says_as_what_a_call_is_authorised(phoenix: Phoenix) -> None:
    rules = ToolRules({"merge": ToolRule(action=ToolAction("data_mutation", name="merge_records"))})
    host = Host(rules)

    @phoenix.participant(**WORK)
    async def agent(task: AsyncTask) -> str:
        with pytest.raises(PolicyDenied, match="no permission to write customer_master"):
            await host.call(task, "merge", into=1)
        return "denied"

    task = phoenix.submit(**NEED)
    assert phoenix.wait_for(task).result == {"value": "denied"}
    assert host.done == []
    denied = phoenix.wait_for_event(task, "ACTION_DENIED")
    assert dict(denied.detail)["name"] == "merge_records"


def test_a_human_approves_exactly_what_the_tool_is_called_with(phoenix: Phoenix) -> None:
    host = Host()

    @phoenix.participant(**WORK)
    async def agent(task: AsyncTask) -> Any:
        given = {"into": 7}
        async with governed_tools(task, host.server) as tools:
            with pytest.raises(ApprovalRequired):
                await tools.call("merge", given, wait=False)
            calling = asyncio.create_task(tools.call("merge", given))
            await asyncio.sleep(0)
            given["into"] = 8  # a handler that goes on with its own objects
            return (await calling).structured_content

    task = phoenix.submit(**MERGE)
    question = phoenix.approve(task)
    assert dict(question.subject)["tool"] == "merge"
    assert phoenix.wait_for(task).result == {"merged": 7}
    assert [one["into"] for one in host.done] == [7]


def test_what_a_human_rejects_is_not_called(phoenix: Phoenix) -> None:
    host = Host()

    @phoenix.participant(**WORK)
    async def agent(task: AsyncTask) -> str:
        with pytest.raises(ApprovalRejected):
            await host.call(task, "merge", into=7)
        return "rejected"

    task = phoenix.submit(**MERGE)
    phoenix.reject(task)
    assert phoenix.wait_for(task).result == {"value": "rejected"}
    assert host.done == []


def test_whoever_was_superseded_calls_no_further_tool(phoenix: Phoenix) -> None:
    host = Host()
    over, ends = threading.Event(), []

    @phoenix.participant(**WORK)
    def first(task: Task) -> None:
        asyncio.run(host.call(task, "compare", **PAIR))
        task.checkpoint({"seen": 1})
        task.aio.lease.ended.wait()
        try:
            asyncio.run(host.call(task, "compare", left="Bob", right="bob"))
        except AssignmentLost as lost:
            ends.append(lost.reason)
        over.set()

    task = phoenix.submit(**NEED)
    phoenix.wait_for_event(task, "CONTEXT_CHECKPOINTED")
    phoenix.participant("agent.second", **WORK)(lambda _: {"by": "second"})
    phoenix.kill(first)
    phoenix.expire(first)
    assert phoenix.wait_for(task).result == {"by": "second"}
    assert over.wait(300)
    assert ends == ["STALE_ASSIGNMENT"]
    assert len(host.done) == 1


def test_an_owner_that_knows_of_nothing_is_stopped_by_the_runtime_before_its_next_tool(
    phoenix: Phoenix,
) -> None:
    host = Host()
    ends: list[str] = []
    over = threading.Event()

    @phoenix.participant(**WORK)
    def agent(task: Task) -> None:
        asyncio.run(host.call(task, "compare", **PAIR))
        phoenix.client.cancel(task.id)
        task.aio.lease.ended.wait()
        task.aio.lease.ended.clear()  # as in a process that was stopped and knows of nothing yet
        try:
            asyncio.run(host.call(task, "compare", left="Bob", right="bob"))
        except PhoenixError as refused:
            ends.append(refused.reason)
        over.set()

    task = phoenix.submit(**NEED)
    assert phoenix.wait_for(task).status == "cancelled"
    assert over.wait(300)
    assert len(host.done) == 1
    assert ends == ["STALE_ASSIGNMENT"]


def test_a_call_beyond_its_rule_is_not_made_and_not_authorised(phoenix: Phoenix) -> None:
    host = Host()

    @phoenix.participant(**WORK)
    async def agent(task: AsyncTask) -> dict[str, str]:
        rules = ToolRules(otherwise=ToolRule(calls=1, seconds=3600))
        async with mcp.Client(host.server) as session:
            tools = GovernedTools(task, session, rules)
            await tools.call("compare", PAIR)
            with pytest.raises(QuotaExceeded) as beyond:
                await tools.call("compare", {"left": "Bob", "right": "bob"}, wait=False)
            return {**beyond.value.facts, "retry_after_seconds": ""}

    task = phoenix.submit(**NEED)
    facts = {"tool": "compare", "limit": "1 in 3600 s", "retry_after_seconds": ""}
    assert phoenix.wait_for(task).result == facts
    assert len(host.done) == 1
    given = [one for one in whole_story(phoenix, task.id) if one.type == "ACTION_AUTHORIZED"]
    assert len(given) == 1
