"""MCP both ways: the runtime as an MCP server, and MCP servers as governed participants.

`runtime_server` is what ``phoenix-dma mcp`` serves to agent hosts. `register_mcp_server` registers
somebody else's server as a participant of type ``tool``; `GovernedTools` authorises each call of a
tool for the task that makes it. docs/frameworks/mcp.md has both.
"""

from __future__ import annotations

from phoenix_dma.adapters.extras import require_extra

require_extra("mcp", "mcp")

from phoenix_dma.adapters.mcp.connection import ServerUnreachable  # noqa: E402
from phoenix_dma.adapters.mcp.governed import GovernedTools, ToolFailed, governed_tools  # noqa: E402
from phoenix_dma.adapters.mcp.participant import McpOptions, McpParticipant, register_mcp_server  # noqa: E402
from phoenix_dma.adapters.mcp.registered import RegisteredServer, ToolUnavailable  # noqa: E402
from phoenix_dma.adapters.mcp.rules import ToolRule, ToolRules  # noqa: E402
from phoenix_dma.adapters.mcp.server import runtime_server  # noqa: E402

__all__ = [
    "GovernedTools",
    "McpOptions",
    "McpParticipant",
    "RegisteredServer",
    "ServerUnreachable",
    "ToolFailed",
    "ToolRule",
    "ToolRules",
    "ToolUnavailable",
    "governed_tools",
    "register_mcp_server",
    "runtime_server",
]
