"""An MCP server as whoever runs an agent names it, in code or on a command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import mcp
from mcp.server import MCPServer, Server

McpServer: TypeAlias = (
    MCPServer[Any]
    | Server[Any]
    | mcp.StdioServerParameters
    | str
    | Callable[[], AbstractAsyncContextManager[Any]]
)
"""An object of this process, a command, a URL, or a function that makes a transport (for headers of
one's own). It comes from whoever runs the program, never from a task."""


def started_by(command: Sequence[str], environment: Mapping[str, str]) -> McpServer:
    """The server that a command with its arguments starts, with nothing but this environment."""
    program, *arguments = command
    return mcp.StdioServerParameters(command=program, args=arguments, env=dict(environment))


def fresh(server: McpServer) -> Any:
    """What a new connection is opened to: a transport is good for one."""
    return server() if callable(server) else server
