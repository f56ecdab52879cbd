"""Serves an MCP server over streamable HTTP on this machine, to whoever has the token."""

from __future__ import annotations

import hmac
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import uvicorn
from mcp.server import MCPServer

HOST: Final = "127.0.0.1"
"""Never another: whoever reaches the port acts with the profile's credential."""
TOKEN_BYTES: Final = 32

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class BearerGate:
    """An ASGI application that passes on what carries the token, and answers 401 to all else.

    A port of the loopback is open to every user of the machine, and to every page that a browser
    shows; the profile's credential is not theirs.
    """

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "lifespan" and not self._permitted(scope):
            await _refuse(send)
            return
        await self._app(scope, receive, send)

    def _permitted(self, scope: Message) -> bool:
        given = [value for name, value in scope.get("headers", ()) if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._wanted)


async def serve_http(
    server: MCPServer[Any], port: int, token: str, told: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM; ``told`` is given the URL once the port is taken.

    ``port`` 0 takes a free one. Raises OSError where the port is taken by somebody else.
    """
    with socket.create_server((HOST, port)) as listening:
        taken = listening.getsockname()[1]
        gate = BearerGate(server.streamable_http_app(host=HOST), token)
        config = uvicorn.Config(gate, lifespan="on", log_level="warning")
        told(f"http://{HOST}:{taken}/mcp")
        await uvicorn.Server(config).serve(sockets=[listening])


async def _refuse(send: Send) -> None:
    headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": b"Send the token of this server.\n"})
