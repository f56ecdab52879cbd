"""MCP both ways: the runtime as an MCP server, and MCP servers as governed participants.

`runtime_server` is what ``phoenix-dma mcp`` serves to agent hosts. `register_mcp_server` registers
somebody else's server as a participant of type ``tool``; `GovernedTools` authorises each call of a
tool for the task that makes it. docs/frameworks/mcp.md has both.
"""

from __future__ import annotations

try:
    import mcp  # noqa: F401  # whether it is there
except ModuleNotFoundError as missing:
    raise ImportError(
        f'phoenix_dma.adapters.mcp needs {missing.name}: pip install "phoenix-dma[mcp]"'
    ) from None

from phoenix_dma.adapters.mcp.connection import ServerUnreachable
from phoenix_dma.adapters.mcp.governed import GovernedTools, ToolFailed, governed_tools
from phoenix_dma.adapters.mcp.participant import McpOptions, McpParticipant, register_mcp_server
from phoenix_dma.adapters.mcp.registered import RegisteredServer, ToolUnavailable
from phoenix_dma.adapters.mcp.rules import ToolRule, ToolRules
from phoenix_dma.adapters.mcp.server import runtime_server

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
