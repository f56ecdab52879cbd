"""Phoenix DMA as an MCP server: an agent host submits, follows, reads and decides through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp
import pytest

from phoenix_dma import PhoenixClient, Task
from phoenix_dma.adapters.mcp import runtime_server
from phoenix_dma.profile import read_profile
from phoenix_dma.testing import Phoenix

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
REVIEW: dict[str, Any] = {**NEED, "objective": "Review two records"}
MERGE: dict[str, Any] = {**REVIEW, "policy_constraints": ["human_approval_required_for_merge"]}
SUBMITTER = "ci.pipeline"
JANE = "human.steward.jane"


@asynccontextmanager
async def connected(profile: Path, *, decide: bool = False) -> AsyncIterator[mcp.Client]:
    """A host that is connected to the server of a profile, in this process."""
    async with mcp.Client(runtime_server(read_profile(profile), decide=decide)) as client:
        yield client


async def ask(host: mcp.Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers; fails where it is an error."""
    answer = await host.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    found: dict[str, Any] = answer.structured_content
    return found


async def refused(host: mcp.Client, tool: str, **arguments: Any) -> str:
    """The text of a tool's error."""
    answer = await host.call_tool(tool, arguments)
    assert answer.is_error, answer.structured_content
    return answer.content[0].text


def person(phoenix: Phoenix, identity: str, *roles: str) -> Path:
    """The profile of a person who takes part."""
    profile = phoenix.enrol_person(identity, *roles)
    with PhoenixClient(profile=read_profile(profile)) as client:
        client.register_participant(id=identity, type="human", owner=identity)
    return profile


async def pending(host: mcp.Client, task_id: str) -> dict[str, Any]:
    """The question about a task, once somebody is asked."""
    async with asyncio.timeout(300):
        while True:
            found = (await ask(host, "approvals", task_id=task_id))["approvals"]
            if found:
                only: dict[str, Any] = found[0]
                return only
            await asyncio.sleep(0.05)


def merger(task: Task) -> dict[str, Any]:
    """An agent that asks a human before it merges."""
    task.checkpoint({"seen": 2})
    given = task.authorize("final_action", "merge", domain="customer_master", subject={"into": 1})
    return {"merged_as": given.id}


async def test_a_host_submits_follows_and_reads_what_is_known(phoenix: Phoenix) -> None:
    @phoenix.participant("agent.reviewer", **WORK)
    def review(task: Task) -> dict[str, Any]:
        task.checkpoint({"seen": len(task.input["pair"])}, decisions=[{"decision": "same"}])
        return {"same": True}

    async with connected(phoenix.enrol_person(SUBMITTER, "submitter")) as host:
        given = await ask(host, "submit", **REVIEW, input={"pair": ["a", "b"]})
        task_id = given["task_id"]
        done = await ask(host, "status", task_id=task_id, wait_seconds=60)
        while not done["ended"]:
            done = await ask(host, "status", task_id=task_id, wait_seconds=60)
        assert (done["status"], done["result"]) == ("succeeded", {"same": True})
        known = await ask(host, "checkpoint", task_id=task_id)
        assert known["context"]["outputs"] == {"seen": 2}
        assert (known["version"], known["recorded_by"]) == (1, "agent.reviewer")
        part = await ask(host, "checkpoint", task_id=task_id, kinds=["decisions"])
        assert part["context"] == {"decisions": [{"decision": "same"}]}
        listed = (await ask(host, "tasks", statuses=["succeeded"]))["tasks"]
        assert [one["task_id"] for one in listed] == [task_id]
    events = await asyncio.to_thread(phoenix.client.lineage, task_id)
    assert events[0].actor == SUBMITTER, "who asked is whoever the profile is"


async def test_a_host_is_told_who_would_get_a_task_and_why_not_the_others(
    phoenix: Phoenix,
) -> None:
    phoenix.join("agent.reviewer", **WORK)
    phoenix.join("agent.elsewhere", capabilities=["customer_validation"], data_domains=["product"])
    async with connected(phoenix.enrol_person(SUBMITTER, "submitter")) as host:
        found = await ask(host, "explain", **NEED)
        assert found["participant"] == "agent.reviewer"
        assert sum(one["value"] * one["weight"] for one in found["terms"]) == pytest.approx(
            found["score"]
        )
        (other,) = found["alternatives"]
        assert other["participant"] == "agent.elsewhere"
        assert "customer_master" in other["because"]
        both = await refused(host, "explain", task_id="task.1", **NEED)
        assert "but not both" in both


async def test_a_refusal_is_a_tool_error_with_what_to_do(phoenix: Phoenix) -> None:
    async with connected(phoenix.enrol_person(SUBMITTER, "submitter")) as host:
        text = await refused(host, "submit", **{**REVIEW, "required_capabilities": ["flying"]})
        assert "POLICY_DENIED: " in text
        assert "knows no capability flying" in text
        assert "What to do: " in text
        assert "RESOURCE_NOT_FOUND" in await refused(host, "status", task_id="task.none")
        misspelt = await refused(host, "submit", **REVIEW, data_domain=["customer_master"])
        assert "data_domain" in misspelt
        huge = await refused(host, "submit", **REVIEW, input={"count": 2**60 + 1})
        assert "FIELD_INVALID: input.count" in huge
        assert "NOT_PERMITTED" in await refused(host, "approvals")
    assert phoenix.client.list_tasks() == [], "nothing that was refused was submitted"


async def test_what_another_tenant_owns_is_not_found(
    phoenix: Phoenix, phoenix_dma_runtime: Any
) -> None:
    mine = phoenix.submit(**NEED)
    with Phoenix(phoenix_dma_runtime) as other:
        async with connected(other.enrol_person(SUBMITTER, "submitter", "operator")) as host:
            assert "RESOURCE_NOT_FOUND" in await refused(host, "status", task_id=mine.id)
            assert "RESOURCE_NOT_FOUND" in await refused(host, "checkpoint", task_id=mine.id)
            assert (await ask(host, "tasks"))["tasks"] == []


async def test_a_person_decides_through_a_host_that_may_and_exactly_what_was_shown(
    phoenix: Phoenix,
) -> None:
    phoenix.join("agent.merger", merger, **WORK)
    task = phoenix.submit(**MERGE)
    jane = person(phoenix, JANE)
    async with connected(jane) as host:
        assert "decide" not in {tool.name for tool in (await host.list_tools()).tools}
    async with connected(jane, decide=True) as host:
        question = await pending(host, task.id)
        assert question["subject"] == {"into": 1}
        answer = {"approval_id": question["approval_id"], "approve": True, "comment": "the same"}
        other = await refused(host, "decide", **answer, subject_hash="sha256:" + 64 * "0")
        assert "CONTEXT_HASH_MISMATCH" in other
        decided = await ask(host, "decide", **answer, subject_hash=question["subject_hash"])
        assert (decided["status"], decided["decided_by"]) == ("approved", JANE)
    done = await asyncio.to_thread(phoenix.wait_for, task)
    assert done.status == "succeeded"


async def test_nobody_approves_their_own_through_a_host(phoenix: Phoenix) -> None:
    phoenix.join("agent.merger", merger, **WORK)
    john = person(phoenix, "human.john", "submitter", "reviewer")
    async with connected(john, decide=True) as host:
        task_id = (await ask(host, "submit", **MERGE))["task_id"]
        question = await pending(host, task_id)
        text = await refused(
            host,
            "decide",
            approval_id=question["approval_id"],
            approve=True,
            comment="mine",
            subject_hash=question["subject_hash"],
        )
        assert "NOT_PERMITTED" in text or "POLICY_DENIED" in text
        assert "What to do: " in text
        assert (await pending(host, task_id))["status"] == "pending"


async def test_a_host_with_a_profile_without_the_role_decides_nothing(phoenix: Phoenix) -> None:
    phoenix.join("agent.merger", merger, **WORK)
    task = phoenix.submit(**MERGE)
    question = await asyncio.to_thread(
        lambda: phoenix.wait_for_event(task, "APPROVAL_REQUESTED").aggregate
    )
    async with connected(phoenix.enrol_participant("agent.sly"), decide=True) as host:
        text = await refused(
            host,
            "decide",
            approval_id=question.removeprefix("approval/"),
            approve=True,
            comment="yes",
            subject_hash="sha256:" + 64 * "0",
        )
        assert "NOT_PERMITTED" in text
    assert phoenix.client.list_approvals(statuses=("approved",)) == []


async def test_every_tool_says_what_it_does_and_what_each_argument_means() -> None:
    for tool in await runtime_server(decide=True).list_tools():
        assert len(tool.description or "") > 40, tool.name
        assert tool.input_schema["additionalProperties"] is False, tool.name
        assert tool.output_schema is not None, tool.name
        for name, schema in tool.input_schema["properties"].items():
            assert schema.get("description"), f"{tool.name}.{name}"
