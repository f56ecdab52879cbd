"""OPA's REST API as a `PolicySession`."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from governance_svc.adapters.policy_engines.json_texts import json_text, json_value
from governance_svc.adapters.policy_engines.policy_session import (
    EvaluationAborted,
    NoEngine,
    RegoError,
    engines_fault,
)
from governance_svc.domain.policy.engine import EVALUATION_SECONDS, LOADING_SECONDS
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""The largest answer that is read (I14)."""

POLICY_PREFIX = "phoenix/"
"""The ids of the runtime's modules on the server begin with this; others are left alone."""

PASSING = {408, 425, 429}
"""The statuses of a refusal that ends by itself, as those from `SERVER_ERROR` on."""
SERVER_ERROR = 500

STRICT = {"strict-builtin-errors": "true"}
"""An error in a built-in is an error, as in the embedded engine, and not silently *undefined*."""


@dataclass(frozen=True, slots=True)
class OpaAddress:
    """Where an OPA server is and how to trust it. ``token`` is a bearer token, empty for none.

    ``ca_file`` replaces the system's certificate authorities. Deadlines are in seconds:
    ``connect`` to reach the server, ``answer`` for one evaluation, ``loading`` for each step of
    loading a bundle, ``starting`` for each of the first one, where that is another.
    """

    url: str
    token: str = ""
    ca_file: Path | None = None
    connect: float = 1.0
    answer: float = EVALUATION_SECONDS
    loading: float = LOADING_SECONDS
    starting: float | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"OpaAddress({self.url!r})"


class OpaSession:
    """A `PolicySession` on one OPA server. Safe to use from many tasks at once."""

    def __init__(self, address: OpaAddress) -> None:
        context = ssl.create_default_context(cafile=address.ca_file) if address.ca_file else True
        self._address = address
        self._client = httpx.AsyncClient(
            base_url=address.url,
            headers={"authorization": f"Bearer {address.token}"} if address.token else {},
            verify=context,
            timeout=httpx.Timeout(address.answer, connect=address.connect),
            # Neither a proxy of the environment nor a redirect may choose another server.
            trust_env=False,
            follow_redirects=False,
        )

    async def put_modules(self, modules: Mapping[str, str]) -> None:
        """Add modules in an order that the server accepts; raises `RegoError`.

        The server compiles after each one, so a module goes in after those that it calls: those
        that name others least come first, and what is refused is tried again after the rest.
        """
        order = sorted(modules, key=lambda path: (modules[path].count("data.phoenix."), path))
        waiting = {path: modules[path] for path in order}
        while waiting:
            refused = {}
            for path, source in waiting.items():
                try:
                    await self._put_module(path, source)
                except RegoError as error:
                    refused[path] = error
            if len(refused) == len(waiting):
                raise next(iter(refused.values()))
            waiting = {path: waiting[path] for path in refused}

    async def put_data(self, name: str, value: Json) -> None:
        """Set ``data.<name>``."""
        await self._send("PUT", f"/v1/data/{name}", content=json_text(value))

    async def clear(self) -> None:
        """Remove the revision and the modules, in an order that the server accepts."""
        with engines_fault("The OPA server cannot be emptied"):
            await self._send("PUT", "/v1/data/phoenix_bundle", content=b"{}")
            waiting = await self._module_ids()
        while waiting:
            remaining = [one for one in waiting if not await self._remove(one)]
            if len(remaining) == len(waiting):
                raise PolicyEngineUnavailable("The OPA server keeps modules of another bundle")
            waiting = remaining

    async def document(self, path: str, input_document: Json) -> Json:
        """The value of ``data.<path>``, None where undefined; raises `RegoError`."""
        body = json_text({"input": input_document})
        url = "/v1/data/" + path.replace(".", "/")
        return (await self._send("POST", url, content=body, params=STRICT)).get("result")

    async def documents(self, paths: Sequence[str]) -> Sequence[Json]:
        """Several documents, one after the other."""
        return [await self.document(path, {}) for path in paths]

    async def activate(self, revision: str) -> None:
        """Set the revision: until then no answer of the server is used."""
        with engines_fault("The OPA server does not take a policy's revision"):
            await self.put_data("phoenix_bundle", {"revision": revision})

    def set_deadline(self, seconds: float) -> None:
        """Let each request take at most ``seconds`` from now on."""
        self._client.timeout = httpx.Timeout(seconds, connect=self._address.connect)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _put_module(self, path: str, source: str) -> None:
        headers = {"content-type": "text/plain"}
        url = f"/v1/policies/{POLICY_PREFIX}{path}"
        await self._send("PUT", url, content=source.encode(), headers=headers)

    async def _module_ids(self) -> list[str]:
        listed = (await self._send("GET", "/v1/policies")).get("result")
        entries = listed if isinstance(listed, list) else []
        ids = (entry.get("id") for entry in entries if isinstance(entry, Mapping))
        return [one for one in ids if isinstance(one, str) and one.startswith(POLICY_PREFIX)]

    async def _remove(self, module_id: str) -> bool:
        try:
            await self._send("DELETE", f"/v1/policies/{module_id}")
        except RegoError:
            return False
        return True

    async def _send(
        self,
        method: str,
        url: str,
        *,
        content: bytes = b"",
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Json]:
        all_headers = {"content-type": "application/json", **(headers or {})}
        try:
            request = self._client.build_request(
                method, url, content=content, params=params, headers=all_headers
            )
            # Over the whole answer: the read timeout starts anew with every byte that arrives.
            async with asyncio.timeout(self._client.timeout.read):
                return _read(*await self._receive(request))
        except (httpx.ReadTimeout, TimeoutError) as error:
            text = f"The policy was cut off at its deadline of {self._client.timeout.read:g} s"
            raise EvaluationAborted(text) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            name = type(error).__name__
            raise PolicyEngineUnavailable(f"The OPA server did not answer ({name})") from error

    async def _receive(self, request: httpx.Request) -> tuple[int, bytes]:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise PolicyEngineUnavailable("The OPA server's answer is too large")
            return response.status_code, bytes(body)
        finally:
            await response.aclose()


def _read(status: int, body: bytes) -> Mapping[str, Json]:
    """The answer's object; raises `RegoError` for an error that OPA itself reports."""
    try:
        answer: Json = json_value(body) if body else {}
    except ValueError as error:
        raise _no_answer(status, f"did not answer JSON ({status})") from error
    if not isinstance(answer, Mapping):
        raise _no_answer(status, f"did not answer a JSON object ({status})")
    if status in {200, 204}:
        return answer
    if status in {400, 500} and isinstance(answer.get("code"), str):
        raise RegoError(_error_text(answer))
    raise _no_answer(status, f"answered {status}")


def _no_answer(status: int, what: str) -> PolicyEngineUnavailable:
    """The error for an answer that OPA does not give; what a proxy says meanwhile may pass."""
    text = f"The OPA server {what}"
    passing = status in PASSING or status >= SERVER_ERROR
    return PolicyEngineUnavailable(text) if passing else NoEngine(text)


def _error_text(answer: Mapping[str, Json]) -> str:
    errors = answer.get("errors")
    details = [
        _located(error)
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, Mapping)
    ]
    return "; ".join([str(answer.get("message", answer["code"])), *details[:5]])


def _located(error: Mapping[str, Json]) -> str:
    location = error.get("location")
    if not isinstance(location, Mapping) or not location.get("file"):
        return str(error.get("message"))
    file = str(location["file"]).removeprefix(POLICY_PREFIX)
    return f"{file}:{location.get('row')}: {error.get('message')}"
