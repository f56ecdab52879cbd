"""A governed proxy of an MCP server: each call of a tool is authorised for its task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import mcp
from mcp.types import CallToolResult, TextContent, Tool

from phoenix_dma.adapters.bound_task import elsewhere
from phoenix_dma.adapters.governance import ToolAction
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


Look = Callable[[str], Awaitable[CallToolResult | None]]
"""Finds out by an authorization id what came of a call: None where it was not made."""


class ToolFailed(Exception):
    """A tool answered with an error; ``answer`` is all of it. Whether it did something is open."""

    def __init__(self, tool: str, answer: CallToolResult) -> None:
        texts = [one.text for one in answer.content if isinstance(one, TextContent)]
        super().__init__(f"{tool} answered with an error: {' '.join(texts)}")
        self.answer = answer


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
        exact = await self._ready(tool, arguments, wait=wait)
        given = await self._authorize(tool, exact, call_id, wait=wait)
        self._lease.require()
        return await self._call(tool, exact, given.id)

    async def once(
        self,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        call_id: str = "",
        look: Look | None = None,
    ) -> CallToolResult:
        """Make a call that must not happen twice, as `AsyncTask.once` does an effect.

        Where the same call of the task was made before, by whoever held it then, its answer is the
        recorded one, and the tool is not called. Where nobody knows whether it was made, ``look``,
        a coroutine function, is given the authorization id, and answers None where it was not made,
        else what came of it. Raises what `call` raises, `EffectUnknown` where policy does not let
        it be repeated, and `ToolFailed` for a tool's error, after which nobody knows.
        """
        exact = await self._ready(tool, arguments, wait=True)
        action, name = self._action(tool)
        subject = self._subject(tool, exact, call_id)

        async def do(key: str) -> Any:
            answer = await self._call(tool, exact, key)
            if answer.is_error:
                raise ToolFailed(tool, answer)
            return answer.model_dump(mode="json", by_alias=True, exclude_none=True)

        async def looked(key: str) -> Any:
            found = await look(key) if look is not None else None
            return found and found.model_dump(mode="json", by_alias=True, exclude_none=True)

        effect = {"domain": action.domain, "idempotent": self._rules.of(tool).idempotent}
        outcome = await self._once((action.kind, name, subject), effect, do, look and looked)
        return CallToolResult.model_validate(outcome)

    async def _once(self, what: Any, how: dict[str, Any], do: Any, look: Any) -> Any:
        task = self._task
        if not isinstance(task, Task):
            return await task.once(task.effect(*what, **how), do, look)
        loop = asyncio.get_running_loop()

        def here(call: Callable[[str], Any]) -> Callable[[str], Any]:
            return lambda key: asyncio.run_coroutine_threadsafe(call(key), loop).result()

        kept = here(look) if look is not None else None
        return await elsewhere(task.once, task.effect(*what, **how), here(do), kept)

    async def _ready(
        self, tool: str, arguments: Mapping[str, Any] | None, *, wait: bool
    ) -> dict[str, Any]:
        """The arguments of a call that may be asked about.

        A copy: what is approved is what is called with, whatever the caller does meanwhile.
        """
        self._lease.require()
        await self._turn(tool, wait=wait)
        await self._check(tool)
        exact: dict[str, Any] = json_value(dict(arguments or {}), "arguments")
        return exact

    async def _call(self, tool: str, arguments: dict[str, Any], key: str) -> CallToolResult:
        told: Any = {
            f"{META}authorization_id": key,
            f"{META}task_id": self._task.id,
            f"{META}epoch": self._task.epoch,
        }
        return await self._session.call_tool(tool, arguments, meta=told)

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
        action, name = self._action(tool)
        subject = self._subject(tool, arguments, call_id)
        kept: dict[str, Any] = {"domain": action.domain, "subject": subject, "wait": wait}
        if isinstance(self._task, Task):
            return await asyncio.to_thread(self._task.authorize, action.kind, name, **kept)
        return await self._task.authorize(action.kind, name, **kept)

    def _action(self, tool: str) -> tuple[ToolAction, str]:
        """What a call of the tool is to policy, and by which name."""
        action = self._rules.of(tool).action
        return action, action.name or action_of(tool)

    def _subject(self, tool: str, arguments: dict[str, Any], call_id: str) -> dict[str, Any]:
        """What a human is shown of a call."""
        subject: dict[str, Any] = {"tool": tool, "arguments": arguments}
        if self._registered is not None:
            subject["server"] = self._registered.participant_id
        if call_id:
            subject["call_id"] = call_id
        return subject

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
