"""Reads a request's body: JSON of limited size that has exactly one meaning."""

import asyncio
import json
import re
from typing import NoReturn

from starlette.requests import Request

from gateway.problems import MalformedBody, UnsupportedMediaType
from gateway.rest.json_reader import shown
from phoenix_runtime.core.errors import TooLarge
from phoenix_runtime.core.json import Json

JSON_TYPE = "application/json"
SECONDS = 10.0
"""How long a body may take to arrive; a slower one would occupy a connection."""


async def read_body(request: Request, *, limit: int) -> Json:
    """Return the JSON value of the body, ``{}`` for an empty one.

    Raises `TooLarge`, `MalformedBody`, `UnsupportedMediaType`.
    """
    _check_headers(request, limit)
    try:
        async with asyncio.timeout(SECONDS):
            content = await _content(request, limit)
    except TimeoutError as error:
        raise MalformedBody(f"The body did not arrive within {SECONDS:.0f} s") from error
    return parse(content) if content else {}


def parse(content: bytes) -> Json:
    """Return the JSON value of ``content``; raises `MalformedBody` for more than one meaning."""
    try:
        value: Json = json.loads(
            content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        text = f"The body is no UTF-8: byte {error.start} cannot be read"
        raise MalformedBody(text, {"offset": error.start}) from error
    except json.JSONDecodeError as error:
        text = f"The body is no JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        raise MalformedBody(text, {"line": error.lineno, "column": error.colno}) from error
    except RecursionError as error:
        raise MalformedBody("The body is nested too deeply") from error
    except ValueError as error:  # a number with thousands of digits
        raise MalformedBody("The body holds a number that cannot be read") from error
    return value


def _check_headers(request: Request, limit: int) -> None:
    """Refuse by the headers, before a byte of the body is read."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise MalformedBody(f"The body is compressed ({shown(encoding)}); only plain JSON is read")
    kind, _, details = request.headers.get("content-type", JSON_TYPE).lower().partition(";")
    if kind.strip() != JSON_TYPE:
        raise UnsupportedMediaType(f"The body is {shown(kind.strip())}, not {JSON_TYPE}")
    charset = re.search(r"charset\s*=\s*\"?([^\";\s]*)", details)
    if charset is not None and charset[1] not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType(f"The body is in {shown(charset[1])}; JSON comes in UTF-8")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge("request", size=int(announced), limit=limit)


async def _content(request: Request, limit: int) -> bytes:
    """Return the body's bytes, counted while they arrive: Content-Length can be wrong."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise TooLarge("request", size=len(content), limit=limit)
    return bytes(content)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Return the object; refuse a name that is there twice, of which readers take either value."""
    found: dict[str, Json] = {}
    for name, value in pairs:
        if name in found:
            text = f"The body names {name[:64]!a} twice in one object"
            raise MalformedBody(text, {"name": ascii(name[:64])})
        found[name] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise MalformedBody(f"The body holds {name}, which is no JSON number")
