"""Keeps an MCP server registered until a signal; imported by ``phoenix-dma mcp join`` alone."""

from __future__ import annotations

import asyncio
import logging
import signal

from phoenix_dma.adapters.mcp import McpOptions, register_mcp_server
from phoenix_dma.adapters.mcp.named import McpServer, started_by
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.cli.mcp.named_server import NamedServer, inherited
from phoenix_dma.declare import ParticipantFields
from phoenix_dma.errors import PhoenixError
from phoenix_dma.log import announcements, configure_text_log


class ToolsUnusable(PhoenixError):
    """The tools of an MCP server are no capabilities as they stand."""

    reason = "MCP_TOOLS"
    remedy = "Choose and name them: --capability TOOL=CAPABILITY."


def stay_joined(named: NamedServer, options: McpOptions, fields: ParticipantFields) -> int:
    """Register, and stay until SIGINT or SIGTERM, or an end that is final; return the exit code.

    Raises `PhoenixError`: `ServerUnreachable`, `ToolsUnusable`, and the runtime's refusals.
    """
    configure_text_log(logging.WARNING)
    announcements.always = True
    return asyncio.run(_stay(named, options, fields))


async def _stay(named: NamedServer, options: McpOptions, fields: ParticipantFields) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncPhoenixClient() as client:
        try:
            joined = await register_mcp_server(client, _server(named), options, **fields)
        except ValueError as error:
            raise ToolsUnusable(f"The server's tools cannot be offered: {error}") from error
        running = asyncio.create_task(client.run())
        signalled = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({running, signalled}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                await client.drain()
            return (await running).exit_code
        finally:
            signalled.cancel()
            await joined.close()


def _server(named: NamedServer) -> McpServer:
    if isinstance(named, str):
        return named
    return started_by(named, inherited())
