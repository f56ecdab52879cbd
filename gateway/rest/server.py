"""Serves the REST port: uvicorn in the same process and loop as the gRPC server."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn
from starlette.applications import Starlette

from gateway.rest.admission import HEADER_BYTES

log = structlog.get_logger(__name__)
GRACE_SECONDS = 3
DATE_SECONDS = 1.0
"""How old the date of an answer may be."""


class _Server(uvicorn.Server):
    """Leaves the process's signals to the gRPC server, which drains both ports."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Finish open requests, then stop listening."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Keep the date of answers until the end; uvicorn asks ten times a second for the end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DATE_SECONDS):
                    await self._ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class RestServer:
    """Listens at ``host:port``; implements `chassis.server.Running`."""

    def __init__(self, application: Starlette, listen: str, *, connections: int) -> None:
        self._listen = listen
        self._server = _Server(
            uvicorn.Config(
                application,
                http="h11",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=connections,
                h11_max_incomplete_event_size=HEADER_BYTES,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen; raises OSError where the port is taken."""
        host, _, port = self._listen.rpartition(":")
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, int(port)))
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        log.info("serving", name="rest", listen=self._listen, port=self.port)

    async def stop(self) -> None:
        """Finish open requests, then stop listening."""
        self._server.end()
        if self._serving is not None:
            await self._serving
