"""A real OPA server where one was built, and a server that answers whatever a test wants."""

import asyncio
import contextlib
import os
import shutil
import ssl
from pathlib import Path

import httpx

from tests.support.processes.addresses import free_address
from tests.support.servers.http import http_client
from tests.support.waiting.until import PATIENCE

BUILT = Path(__file__).parents[3] / ".tools" / "bin" / "opa"
"""Where `make test-opa` puts the server that it builds."""


def opa_program() -> str | None:
    """The OPA server to test against; None where there is none."""
    return (
        os.environ.get("PHOENIX_DMA_TEST_OPA")
        or shutil.which("opa")
        or (str(BUILT) if BUILT.exists() else None)
    )


class OpaServer:
    """A real OPA server on the loopback, empty whenever it starts."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self.address = free_address()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            *("run", "--server", "--disable-telemetry", "--log-level", "error"),
            *("--addr", self.address),
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with http_client() as client, asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{self.url}/health")).status_code == 200:
                        return
                await asyncio.sleep(0.02)  # asks again; the server tells in no other way

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Answering:
    """An HTTP server that gives one and the same answer to everything; `None`: never any."""

    def __init__(self, answer: bytes | None, *, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self._server: asyncio.Server | None = None
        self.requests: list[bytes] = []

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"{'https' if self._tls else 'http'}://localhost:{port}"

    async def __aenter__(self) -> "Answering":
        self._server = await asyncio.start_server(self._serve, "localhost", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if self._answer is None:
                await reader.read()
            else:
                writer.write(self._answer)
                await writer.drain()
        writer.close()


def http(status: str, body: bytes, *headers: str) -> bytes:
    """The bytes of an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
