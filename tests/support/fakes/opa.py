"""A policy server by URL whose answers go wrong when a test says so.

It speaks OPA's REST API and answers by the engine that the runtime embeds, in a process of its own:
what is asked is judged by the real rules, until a fault is set.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from governance_svc.adapters.policy_engines.child_session import ChildSession, EngineLimits
from governance_svc.adapters.policy_engines.policy_session import RegoError

SLOW_SECONDS: Final = 5.0
Answer = Callable[[], Awaitable[Response]]


async def _drip() -> AsyncIterator[bytes]:
    """Never silent for long, and never done."""
    while True:
        yield b" " * 100
        await asyncio.sleep(0.2)


async def _slow() -> Response:
    await asyncio.sleep(SLOW_SECONDS)
    return JSONResponse({"result": True})


def _fixed(content: str, status: int = 200) -> Answer:
    async def answer() -> Response:
        return Response(content, status, media_type="application/json")

    return answer


async def _endless() -> Response:
    return StreamingResponse(_drip(), media_type="application/json")


FAULTS: Final[Mapping[str, Answer]] = {
    "slow": _slow,
    "500": _fixed('{"oops": 1}', 500),
    "garbage": _fixed("<html>"),
    "undefined": _fixed("{}"),
    "true": _fixed('{"result": true}'),
    'the text "true"': _fixed('{"result": "true"}'),
    "endless": _endless,
}
"""What is answered, whatever is asked."""
MISREAD: Final[Mapping[str, Any]] = {
    "a verdict that is true": [True],
    'a verdict that is the text "true"': ["true"],
    'a verdict that says "allow": "true"': [{"effect": "true", "allow": "true"}],
    "no verdict": [],
    "undefined verdicts": None,
}
"""Verdicts that are none, under the right revision."""


class FakeOpa:
    """A server on the loopback; an async context manager. ``fault`` names one of the faults."""

    def __init__(self) -> None:
        self.fault = ""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._modules: list[str] = []
        self._revision = ""
        self._engine: ChildSession | None = None
        routes = [
            Route("/health", self._health),
            Route("/v1/policies", self._list),
            Route("/v1/policies/{path:path}", self._module, methods=["PUT", "DELETE"]),
            Route("/v1/data/{name}", self._data, methods=["PUT"]),
            Route("/v1/data/{path:path}", self._document, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._engine = await ChildSession.start(EngineLimits())
        self._serving = asyncio.create_task(self._server._serve([self._socket]))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        if self._serving is not None:
            await self._serving
        if self._engine is not None:
            await self._engine.kill()
        self._socket.close()

    @contextlib.contextmanager
    def failing(self, fault: str) -> Any:
        """Every question meets this fault."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = ""

    async def _health(self, _: Request) -> Response:
        return JSONResponse({})

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"result": [{"id": one} for one in self._modules]})

    async def _module(self, request: Request) -> Response:
        path = request.path_params["path"]
        if request.method == "DELETE":
            self._modules.remove(path)
            return JSONResponse({})
        assert self._engine is not None
        await self._engine.put_modules({path: (await request.body()).decode()})
        self._modules.append(path)
        return JSONResponse({})

    async def _data(self, request: Request) -> Response:
        """Taking the revision away begins a new policy: the embedded engine forgets nothing."""
        name, value = request.path_params["name"], await request.json()
        assert self._engine is not None
        if name == "phoenix_bundle":
            self._revision = value.get("revision", "")
            if not value:
                await self._engine.kill()
                self._engine = await ChildSession.start(EngineLimits())
                self._modules.clear()
                return JSONResponse({})
        await self._engine.put_data(name, value)
        return JSONResponse({})

    async def _document(self, request: Request) -> Response:
        path = request.path_params["path"].replace("/", ".")
        if self.fault in FAULTS:
            return await FAULTS[self.fault]()
        if self.fault in MISREAD and path == "phoenix_engine.answer":
            told = {"revision": self._revision, "verdicts": MISREAD[self.fault]}
            return JSONResponse({"result": told})
        assert self._engine is not None
        try:
            found = await self._engine.document(path, (await request.json())["input"])
        except RegoError as fault:
            return JSONResponse({"code": "internal_error", "message": str(fault)}, 500)
        return JSONResponse({} if found is None else {"result": found})
