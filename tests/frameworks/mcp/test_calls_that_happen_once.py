"""A tool that must not be called twice is called once, wherever its caller dies (I17)."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from mcp.types import CallToolResult

from phoenix_dma import EffectUnknown, Task
from phoenix_dma.adapters.mcp import ToolFailed, ToolRule, ToolRules, governed_tools
from phoenix_dma.adapters.mcp.governed import Look
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.testing import Phoenix
from tests.frameworks.mcp.records_server import records
from tests.support.waiting.until import PATIENCE

WORK: dict[str, Any] = {
    "owner": "data-governance",
    "capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "permissions": ["read_customer_master", "suggest_merge"],
}
NEED: dict[str, Any] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "risk_level": "low",
}


class Host:
    """An agent whose handler calls tools of a server in its own process."""

    def __init__(self, rules: ToolRules | None = None) -> None:
        self.done: list[dict[str, Any]] = []
        self.rules = rules
        self.server = records(self._did)
        self.meanwhile: Any = lambda: None

    def _did(self, what: dict[str, Any]) -> None:
        self.done.append(what)
        self.meanwhile()

    async def merge(self, task: AsyncTask | Task, into: int = 1, look: Look | None = None) -> Any:
        """Merge once, by a new connection."""
        async with governed_tools(task, self.server, self.rules) as tools:
            return (await tools.once("merge", {"into": into}, look=look)).structured_content

    async def look(self, key: str) -> CallToolResult | None:
        """What the server's own records say."""
        made = [one for one in self.done if one["by"] == key]
        if not made:
            return None
        return CallToolResult(content=[], structured_content={"merged": made[0]["into"]})


@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
def test_the_second_time_the_recorded_answer_is_given(
    phoenix: Phoenix, *, asynchronous: bool
) -> None:
    host = Host()

    async def twice(task: AsyncTask | Task) -> dict[str, Any]:
        return {"first": await host.merge(task), "second": await host.merge(task)}

    async def coroutine(task: AsyncTask) -> Any:
        return await twice(task)

    def function(task: Task) -> Any:
        return asyncio.run(twice(task))

    phoenix.join("agent.merger", coroutine if asynchronous else function, **WORK)
    once = {"merged": 1}
    assert phoenix.wait_for(phoenix.submit(**NEED)).result == {"first": once, "second": once}
    assert len(host.done) == 1


@pytest.mark.parametrize("idempotent", [False, True], ids=["looks", "repeats"])
def test_a_caller_that_died_in_the_middle_is_followed_by_one_that_knows_what_to_do(
    phoenix: Phoenix, *, idempotent: bool
) -> None:
    rules = ToolRules({"merge": ToolRule(idempotent=idempotent)})
    host, dead = Host(rules), threading.Event()

    @phoenix.participant(**WORK)
    async def first(task: AsyncTask) -> None:
        host.meanwhile = lambda: phoenix.kill(first)
        try:
            await host.merge(task)
        finally:
            host.meanwhile = lambda: None
            dead.set()

    task = phoenix.submit(**NEED)
    assert dead.wait(PATIENCE)

    @phoenix.participant(**WORK)
    async def second(task: AsyncTask) -> Any:
        assert len(task.unknown_effects) == 1
        if idempotent:
            return await host.merge(task)
        with pytest.raises(EffectUnknown):
            await host.merge(task)
        return await host.merge(task, look=host.look)

    phoenix.expire(first)
    assert phoenix.wait_for(task).result == {"merged": 1}
    assert len(host.done) == 1 + idempotent
    assert len({one["by"] for one in host.done}) == 1, "under one idempotency key"


def test_after_a_tools_error_nobody_knows(phoenix: Phoenix) -> None:
    host = Host()

    @phoenix.participant(**WORK)
    async def agent(task: AsyncTask) -> str:
        with pytest.raises(ToolFailed, match="no record before the first") as failed:
            await host.merge(task, into=-1)
        assert failed.value.answer.is_error
        with pytest.raises(EffectUnknown) as unknown:
            await host.merge(task, into=-1)
        await task.record_effect(unknown.value.key, happened=False, why="it said so")
        with pytest.raises(ToolFailed):
            await host.merge(task, into=-1)
        return "failed"

    task = phoenix.submit(**NEED)
    assert phoenix.wait_for(task).result == {"value": "failed"}
    assert host.done == []
