"""Keeps a connection to an MCP server open: asks whether it is well, and connects anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import mcp

from phoenix_dma.adapters.mcp.named import McpServer, fresh
from phoenix_dma.adapters.mcp.registered import ToolUnavailable
from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.errors import PhoenixError
from phoenix_dma.log import EventLog

log = EventLog(__name__)


class ServerUnreachable(PhoenixError):
    """An MCP server could not be connected; its cause is what the transport raised."""

    reason = "MCP_SERVER_UNREACHABLE"
    remedy = "Start the server by itself, and look at what it says."


class McpConnection:
    """A connection to ``server``, which may come and go; its methods belong to one event loop.

    It is asked every ``ping_seconds`` whether it is well, and has ``answer_seconds`` to say so.
    ``accept`` looks at each new connection before it is used, and raises where it is not wanted.
    """

    def __init__(
        self,
        server: McpServer,
        *,
        ping_seconds: float,
        answer_seconds: float,
        accept: Callable[[mcp.Client], Awaitable[None]],
    ) -> None:
        self._server = server
        self._ping_seconds = ping_seconds
        self._answer_seconds = answer_seconds
        self._accept = accept
        self._client: mcp.Client | None = None
        self._first: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.on_change: Callable[[bool], None] = lambda _: None
        """Called with whether it is well, each time that this changes."""

    @property
    def client(self) -> mcp.Client:
        """The connection; raises `ToolUnavailable` while there is none."""
        if self._client is None:
            raise ToolUnavailable("The MCP server does not answer", remedy="Try again in a while.")
        return self._client

    async def open(self) -> None:
        """Connect, and stay connected until `close`.

        Raises `ServerUnreachable` where the first try fails, and what ``accept`` raises.
        """
        self._first = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._stay(), name="mcp-connection")
        try:
            await asyncio.shield(self._first)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the connection, and the server's process where it was started for it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _stay(self) -> None:
        backoff = Backoff()
        while True:
            try:
                # One task enters and leaves it: the library's cancel scopes demand that.
                async with mcp.Client(fresh(self._server), cache=None) as client:
                    await asyncio.wait_for(self._accept(client), self._answer_seconds)
                    backoff.reset()
                    self._changed(client)
                    await self._watch(client)
            except Exception as error:  # noqa: BLE001  # whatever a server does is told, and tried again
                if self._first is not None and not self._first.done():
                    self._first.set_exception(_told(error))
                    return
                log.warning("mcp_server_lost", error=_innermost(error))
            finally:
                self._changed(None)
            await asyncio.sleep(backoff.next())

    async def _watch(self, client: mcp.Client) -> None:
        """Ask again and again; raises once it does not answer."""
        while True:
            await asyncio.sleep(self._ping_seconds)
            await asyncio.wait_for(ping(client), self._answer_seconds)

    def _changed(self, client: mcp.Client | None) -> None:
        before, self._client = self._client, client
        if self._first is not None and client is not None and not self._first.done():
            self._first.set_result(None)
        if (before is None) != (client is None):
            self.on_change(client is not None)


async def ping(client: mcp.Client) -> None:
    """Ask a server whether it answers: by ``ping``, or ``server/discover``, which took its place.

    Raises MCPError where it does not.
    """
    session = client.session
    if session.discover_result is None:
        await session.send_ping()
    else:
        await session.send_discover(client.protocol_version)


def _told(error: Exception) -> BaseException:
    """What the first try is said to have failed by."""
    found = _innermost(error)
    if isinstance(found, PhoenixError | ValueError):
        return found
    told = ServerUnreachable(
        f"The MCP server cannot be connected: {str(found) or type(found).__name__}"
    )
    told.__cause__ = found
    return told


def _innermost(error: BaseException) -> BaseException:
    """The error that a task group has wrapped, where it is a single one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
