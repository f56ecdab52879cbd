"""OPA's REST API as a `PolicySession`."""

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from governance_svc.adapters.policy_engines.policy_session import CutOff, PolicyFault
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json

MOST = 32 * 1024 * 1024
"""The largest answer that is read, in bytes (I14)."""

POLICY_PREFIX = "phoenix/"
"""Our modules' ids on the server begin with this; others are left alone."""

STRICT = {"strict-builtin-errors": "true"}
"""An error in a built-in is an error, as in the embedded engine, and not silently *undefined*."""


@dataclass(frozen=True, slots=True)
class OpaAddress:
    """Where an OPA server is and how to trust it. ``token`` is a bearer token, empty for none.

    ``ca_file`` replaces the system's certificate authorities; ``connect`` and ``answer`` are
    seconds: to reach the server, and for one evaluation.
    """

    url: str
    token: str = ""
    ca_file: Path | None = None
    connect: float = 1.0
    answer: float = 1.0
    loading: float = 10.0

    def __repr__(self) -> str:
        """Without the token."""
        return f"OpaAddress({self.url!r})"


class OpaSession:
    """One OPA server. Safe to ask from many tasks at once."""

    def __init__(self, address: OpaAddress) -> None:
        context = ssl.create_default_context(cafile=address.ca_file) if address.ca_file else True
        self._address = address
        self._client = httpx.AsyncClient(
            base_url=address.url,
            headers={"authorization": f"Bearer {address.token}"} if address.token else {},
            verify=context,
            timeout=httpx.Timeout(address.answer, connect=address.connect),
            # Neither a proxy of the environment nor a redirect may decide who decides.
            trust_env=False,
            follow_redirects=False,
        )

    async def put_modules(self, modules: Mapping[str, str]) -> None:
        """Add modules in whatever order the server takes them; raises `PolicyFault`.

        The server compiles after each one, so a module goes in after those that it calls: those
        that name others least come first, and what is refused is tried again after the rest.
        """
        order = sorted(modules, key=lambda path: (modules[path].count("data.phoenix."), path))
        waiting = {path: modules[path] for path in order}
        while waiting:
            faults = {}
            for path, source in waiting.items():
                try:
                    await self._put_module(path, source)
                except PolicyFault as fault:
                    faults[path] = fault
            if len(faults) == len(waiting):
                raise next(iter(faults.values()))
            waiting = {path: waiting[path] for path in faults}

    async def put_data(self, name: str, value: Json) -> None:
        """Set ``data.<name>``."""
        await self._send("PUT", f"/v1/data/{name}", content=json.dumps(value))

    async def forget(self) -> None:
        """Remove what was put there: modules in whatever order the server lets them go."""
        await self._send("PUT", "/v1/data/phoenix_bundle", content="{}")
        waiting = await self._module_ids()
        while waiting:
            left = [one for one in waiting if not await self._removed(one)]
            if len(left) == len(waiting):
                raise PolicyEngineUnavailable("The OPA server keeps modules of another bundle")
            waiting = left

    async def document(self, path: str, input_document: Json) -> Json:
        """The value of ``data.<path>``, None where undefined; raises `PolicyFault`."""
        body = json.dumps({"input": input_document}, allow_nan=False)
        url = "/v1/data/" + path.replace(".", "/")
        return (await self._send("POST", url, content=body, params=STRICT)).get("result")

    async def documents(self, paths: Sequence[str]) -> Sequence[Json]:
        """Several documents, one after the other."""
        return [await self.document(path, {}) for path in paths]

    async def announce(self, revision: str) -> None:
        """Set the revision last: until then the server gives no answer that is used."""
        await self.put_data("phoenix_bundle", {"revision": revision})

    def allow(self, seconds: float) -> None:
        """How long one request may take from now on."""
        self._client.timeout = httpx.Timeout(seconds, connect=self._address.connect)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _put_module(self, path: str, source: str) -> None:
        kind = {"content-type": "text/plain"}
        await self._send("PUT", f"/v1/policies/{POLICY_PREFIX}{path}", content=source, headers=kind)

    async def _module_ids(self) -> list[str]:
        listed = (await self._send("GET", "/v1/policies")).get("result")
        entries = listed if isinstance(listed, list) else []
        found = (entry.get("id") for entry in entries if isinstance(entry, Mapping))
        return [one for one in found if isinstance(one, str) and one.startswith(POLICY_PREFIX)]

    async def _removed(self, identity: str) -> bool:
        try:
            await self._send("DELETE", f"/v1/policies/{identity}")
        except PolicyFault:
            return False
        return True

    async def _send(
        self,
        method: str,
        url: str,
        *,
        content: str = "",
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Json]:
        kind = {"content-type": "application/json", **(headers or {})}
        request = self._client.build_request(
            method, url, content=content.encode(), params=params, headers=kind
        )
        try:
            # Over all of it: a server that sends a byte now and then is never silent for long.
            async with asyncio.timeout(self._client.timeout.read):
                return _read(*await self._receive(request))
        except (httpx.ReadTimeout, TimeoutError) as error:
            raise CutOff("The policy was cut off at its deadline") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind_of = type(error).__name__
            raise PolicyEngineUnavailable(f"The OPA server did not answer ({kind_of})") from error

    async def _receive(self, request: httpx.Request) -> tuple[int, bytes]:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST:
                    raise PolicyEngineUnavailable("The OPA server's answer is too large")
            return response.status_code, bytes(body)
        finally:
            await response.aclose()


def _read(status: int, body: bytes) -> Mapping[str, Json]:
    """The answer's object; OPA's own errors are faults, everything else is not OPA speaking."""
    try:
        answer: Json = json.loads(body) if body else {}
    except ValueError as error:
        raise PolicyEngineUnavailable(f"The OPA server answered garbage ({status})") from error
    if not isinstance(answer, Mapping):
        raise PolicyEngineUnavailable(f"The OPA server answered no object ({status})")
    if status in {200, 204}:
        return answer
    if status in {400, 500} and isinstance(answer.get("code"), str):
        raise PolicyFault(_fault(answer))
    raise PolicyEngineUnavailable(f"The OPA server answered {status}")


def _fault(answer: Mapping[str, Json]) -> str:
    errors = answer.get("errors")
    details = [
        _located(error)
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, Mapping)
    ]
    return "; ".join([str(answer.get("message", answer["code"])), *details[:5]])


def _located(error: Mapping[str, Json]) -> str:
    at = error.get("location")
    if not isinstance(at, Mapping) or not at.get("file"):
        return str(error.get("message"))
    file = str(at["file"]).removeprefix(POLICY_PREFIX)
    return f"{file}:{at.get('row')}: {error.get('message')}"
