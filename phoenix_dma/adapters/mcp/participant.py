"""Registers an MCP server as a participant of type ``tool``: each of its tools is a capability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

import mcp
from mcp.types import CallToolResult, TextContent, Tool

from phoenix_dma.adapters.mcp.connection import McpConnection
from phoenix_dma.adapters.mcp.definitions import capabilities_of, definition_hash, tools_of
from phoenix_dma.adapters.mcp.governed import GovernedTools
from phoenix_dma.adapters.mcp.named import McpServer
from phoenix_dma.adapters.mcp.registered import METADATA
from phoenix_dma.adapters.mcp.rules import ToolRules
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.declare import ParticipantFields
from phoenix_dma.errors import PhoenixError, TaskFailure
from phoenix_dma.log import EventLog
from phoenix_dma.v1 import registry_pb2

log = EventLog(__name__)


class ToolsChanged(PhoenixError):
    """A server that came back has other tools than those that were registered. Facts: tools."""

    reason = "TOOLS_CHANGED"
    remedy = "Look at the new definitions, then register the server anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class McpOptions:
    """How a server takes part.

    ``capabilities`` names the capability of each tool that is offered, and no other is; without it
    every tool is, under its own name in lower case. ``rules`` hold for the tasks that it takes
    itself. It is asked every ``ping_seconds`` whether it is well, and has ``answer_seconds`` to
    say so.
    """

    capabilities: Mapping[str, str] | None = None
    rules: ToolRules | None = None
    ping_seconds: float = 5.0
    answer_seconds: float = 10.0


class McpParticipant:
    """A server that takes part; made by `register_mcp_server`."""

    def __init__(self, client: AsyncPhoenixClient, server: McpServer, options: McpOptions) -> None:
        self.tools: Mapping[str, Tool] = {}
        """The offered tools, by capability."""
        self.answer: registry_pb2.RegisterParticipantResponse | None = None
        """What became of the claims."""
        self._client = client
        self._options = options
        self._rules = options.rules or ToolRules()
        self.connection = McpConnection(
            server,
            ping_seconds=options.ping_seconds,
            answer_seconds=options.answer_seconds,
            accept=self._accept,
        )

    async def register(self, fields: ParticipantFields) -> None:
        """Connect, register what the server has, and report from then on whether it is well."""
        await self.connection.open()
        try:
            for capability, tool in self.tools.items():
                self._client.task_handler(capability)(partial(self._work, tool.name))
            self.answer = await self._client.register_participant(**self._declared(fields))
        except BaseException:
            await self.connection.close()
            raise
        self.connection.on_change = self._report

    async def close(self) -> None:
        """End the connection, and the server's process where it was started for it."""
        await self.connection.close()

    async def _accept(self, client: mcp.Client) -> None:
        """Take the tools of the first connection; raises `ToolsChanged` for others later."""
        listed = await tools_of(client)
        if not self.tools:
            offered = capabilities_of(listed, self._options.capabilities)
            self.tools = {capability: listed[name] for capability, name in offered.items()}
            return
        changed = [tool.name for tool in self.tools.values() if _differs(tool, listed)]
        if changed:
            names = ", ".join(sorted(changed))
            raise ToolsChanged(f"The server's tools are not the registered ones: {names}")

    def _declared(self, fields: ParticipantFields) -> ParticipantFields:
        described = {
            tool.name: {"capability": capability, "definition": definition_hash(tool)}
            for capability, tool in self.tools.items()
        }
        metadata = {**fields.get("metadata", {}), METADATA: {"tools": described}}
        return {**fields, "type": "tool", "capabilities": sorted(self.tools), "metadata": metadata}

    def _report(self, well: bool) -> None:  # noqa: FBT001  # a listener's only argument
        if self._client.participant is not None:
            self._client.participant.report(working=well)

    async def _work(self, tool: str, task: AsyncTask) -> dict[str, Any]:
        """Take a task that requires a tool's capability: its input is the tool's arguments."""
        governed = GovernedTools(task, self.connection.client, self._rules)
        try:
            return result_of(await governed.call(tool, task.input))
        except mcp.MCPError as error:
            unknown = f"{tool} did not answer ({error}); whether it did something is not known"
            raise TaskFailure(unknown) from error


async def register_mcp_server(
    client: AsyncPhoenixClient,
    server: McpServer,
    options: McpOptions | None = None,
    **fields: Unpack[ParticipantFields],
) -> McpParticipant:
    """Register an MCP server as ``client``'s participant; it stays until the client leaves.

    ``server`` comes from whoever runs this, never from a task. ``fields`` are those of every
    participant (``id`` and ``owner`` are needed); type and capabilities are what the server is.
    Heartbeats say ``degraded`` while it does not answer, and it is connected anew meanwhile, unless
    its tools have become others. Raises `ServerUnreachable`, ValueError for tools that are no
    capabilities, and what `AsyncPhoenixClient.register_participant` raises.
    """
    taken = {"type", "capabilities"} & set(fields)
    if taken:
        raise TypeError(f"{', '.join(sorted(taken))}: that is what the server itself says")
    made = McpParticipant(client, server, options or McpOptions())
    await made.register(fields)
    return made


def result_of(result: CallToolResult) -> dict[str, Any]:
    """What a tool answered, as a task's result; raises `TaskFailure` for its error.

    It is final: whether a tool that failed has done something, nobody knows.
    """
    texts = [one.text for one in result.content if isinstance(one, TextContent)]
    if result.is_error:
        raise TaskFailure("\n".join(texts) or "the tool failed and said nothing")
    if isinstance(result.structured_content, dict):
        return result.structured_content
    kinds = [
        one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in result.content
    ]
    return {"content": kinds}


def _differs(tool: Tool, listed: Mapping[str, Tool]) -> bool:
    now = listed.get(tool.name)
    return now is None or definition_hash(now) != definition_hash(tool)
