"""An MCP server as the registry knows it: whether its tools may be called, and are the same."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from mcp.types import Tool

from phoenix_dma.adapters.mcp.definitions import definition_hash
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.client import PhoenixClient
from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1 import registry_pb2
from phoenix_dma.wire.conversions import json_of, short

PRESENT: Final = frozenset({"active", "degraded"})
METADATA: Final = "mcp"
"""Under which a participant's metadata has its tools."""


class ToolUnavailable(PhoenixError):
    """The registry does not vouch for a tool; it was not called. Facts: tool, participant."""

    reason = "TOOL_UNAVAILABLE"
    remedy = "Ask the operator: `phoenix-dma participants show` says what the registry knows."


class RegisteredServer:
    """The participant that `register_mcp_server` made of a server, read with a client's own right.

    ``client`` may be of either kind; it is asked before each call of a tool.
    """

    def __init__(self, client: PhoenixClient | AsyncPhoenixClient, participant_id: str) -> None:
        self.participant_id = participant_id
        self._client = client

    async def check(self, tool: Tool) -> None:
        """Raise `ToolUnavailable` unless ``tool`` is a granted capability of who is present.

        It has to be the tool that was registered: same name, description and input schema.
        """
        found = await self._read()
        status = short(registry_pb2.ParticipantStatus, found.status)
        if status not in PRESENT:
            raise self._refusal(tool, f"{self.participant_id} is {status}")
        known = tools_in(found).get(tool.name)
        if known is None or known["capability"] not in found.capabilities:
            raise self._refusal(tool, f"it is no granted capability of {self.participant_id}")
        if known["definition"] != definition_hash(tool):
            raise self._refusal(tool, "its definition is not the one that was registered")

    async def _read(self) -> registry_pb2.Participant:
        if isinstance(self._client, PhoenixClient):
            return await asyncio.to_thread(self._client.get_participant, self.participant_id)
        client = self._client
        api = client.api if client.participant is None else client.participant_api
        return await api.get_participant(self.participant_id)

    def _refusal(self, tool: Tool, why: str) -> ToolUnavailable:
        facts = {"tool": tool.name, "participant": self.participant_id}
        return ToolUnavailable(f"{tool.name} is not called: {why}", facts)


def tools_in(participant: registry_pb2.Participant) -> dict[str, dict[str, Any]]:
    """The capability and the definition's hash of each tool that a participant registered."""
    described = json_of(participant.metadata).get(METADATA, {})
    found: dict[str, dict[str, Any]] = described.get("tools", {})
    return found
