"""A governed proxy of an MCP server: each call of a tool is authorised for its task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import mcp
from mcp.types import CallToolResult, Tool

from phoenix_dma.adapters.mcp.definitions import action_of, tools_of
from phoenix_dma.adapters.mcp.named import McpServer, fresh
from phoenix_dma.adapters.mcp.registered import RegisteredServer, ToolUnavailable
from phoenix_dma.adapters.mcp.rules import ToolRules
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.briefing import Authorization
from phoenix_dma.task import Task
from phoenix_dma.wire.json_values import json_value

META: Final = "phoenix-dma/"
"""Before the names of what a tool is told beside its arguments, in the call's ``_meta``."""


class GovernedTools:
    """The tools of a connected MCP server, for one task; its methods belong to one event loop.

    ``session`` is the agent's own connection. ``rules`` may be shared by many tasks, whose calls
    are then counted together. With ``registered``, a tool is called only while the registry vouches
    for it. A `phoenix_dma.Task` is taken as well: its handler runs ``asyncio.run``.
    """

    def __init__(
        self,
        task: AsyncTask | Task,
        session: mcp.Client | mcp.ClientSession,
        rules: ToolRules | None = None,
        *,
        registered: RegisteredServer | None = None,
    ) -> None:
        self._task = task
        self._lease = task.aio.lease if isinstance(task, Task) else task.lease
        self._session = session
        self._rules = rules or ToolRules()
        self._registered = registered
        self._known: dict[str, Tool] = {}

    async def tools(self) -> list[Tool]:
        """The server's tools, to be shown to a model; with ``registered``, those it may call."""
        self._known = await tools_of(self._session)
        return [tool for tool in self._known.values() if await self._available(tool)]

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        call_id: str = "",
        wait: bool = True,
    ) -> CallToolResult:
        """Authorise a call and make it; the tool is not called unless all of it holds.

        The same call (tool, arguments, ``call_id``) of one task is the same action: one entry in
        the audit, and one authorization, whose id the tool gets as idempotency key. Waits where a
        human has to approve it and where the tool's rule allows no more calls yet; raises
        `ApprovalRequired` and `QuotaExceeded` instead with ``wait=False``. Raises `AssignmentLost`
        once somebody else holds the task, `ToolUnavailable`, `PolicyDenied`, `ApprovalRejected`.
        """
        self._lease.require()
        await self._turn(tool, wait=wait)
        await self._check(tool)
        # A copy: what is approved is what is called with, whatever the caller does meanwhile.
        exact: dict[str, Any] = json_value(dict(arguments or {}), "arguments")
        given = await self._authorize(tool, exact, call_id, wait=wait)
        self._lease.require()
        told: Any = {
            f"{META}authorization_id": given.id,
            f"{META}task_id": self._task.id,
            f"{META}epoch": self._task.epoch,
        }
        return await self._session.call_tool(tool, exact, meta=told)

    async def _turn(self, tool: str, *, wait: bool) -> None:
        """Count the call, and wait until it may be made."""
        while seconds := self._rules.take(tool):
            if not wait:
                raise self._rules.refusal(tool, seconds)
            await asyncio.sleep(seconds)
            self._lease.require()

    async def _authorize(
        self, tool: str, arguments: dict[str, Any], call_id: str, *, wait: bool
    ) -> Authorization:
        action = self._rules.of(tool).action
        name = action.name or action_of(tool)
        subject: dict[str, Any] = {"tool": tool, "arguments": arguments}
        if self._registered is not None:
            subject["server"] = self._registered.participant_id
        if call_id:
            subject["call_id"] = call_id
        kept: dict[str, Any] = {"domain": action.domain, "subject": subject, "wait": wait}
        if isinstance(self._task, Task):
            return await asyncio.to_thread(self._task.authorize, action.kind, name, **kept)
        return await self._task.authorize(action.kind, name, **kept)

    async def _check(self, tool: str) -> None:
        if self._registered is None:
            return
        if tool not in self._known:
            self._known = await tools_of(self._session)
        if tool not in self._known:
            facts = {"tool": tool, "participant": self._registered.participant_id}
            raise ToolUnavailable(f"{tool} is not called: the server does not list it", facts)
        await self._registered.check(self._known[tool])

    async def _available(self, tool: Tool) -> bool:
        if self._registered is None:
            return True
        try:
            await self._registered.check(tool)
        except ToolUnavailable:
            return False
        return True


@asynccontextmanager
async def governed_tools(
    task: AsyncTask | Task,
    server: McpServer,
    rules: ToolRules | None = None,
    *,
    registered: RegisteredServer | None = None,
) -> AsyncIterator[GovernedTools]:
    """The governed tools of a server that is connected for as long as the block runs.

    What the block raises comes out as it is. Out of ``async with mcp.Client(…)`` it would come
    inside an ExceptionGroup, and no handler's `HandOff` or `AssignmentLost` would be known as such.
    """
    raised: BaseException | None = None
    try:
        async with mcp.Client(fresh(server)) as session:
            try:
                yield GovernedTools(task, session, rules, registered=registered)
            except BaseException as error:
                raised = error
                raise
    except BaseExceptionGroup:
        if raised is None:
            raise
        raise raised from raised.__cause__
