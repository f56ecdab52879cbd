"""The frames between the service and its policy engine: JSON behind four bytes of length.

What an engine answers is read here, whichever way it came.
"""

import asyncio
import json
import struct
from typing import BinaryIO

from phoenix_runtime.core.json import Json

LENGTH = struct.Struct(">I")

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""The largest frame: a bound, far above the largest batch."""


class FrameTooLarge(ValueError):
    """A frame is larger than `MAX_FRAME_BYTES`."""


def encode(value: Json) -> bytes:
    """The frame of ``value``; raises `FrameTooLarge`."""
    body = json.dumps(value, ensure_ascii=True, allow_nan=False).encode("ascii")
    if len(body) > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"{len(body)} bytes")
    return LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> Json:
    """The next value; raises EOFError at the end of the stream, in the middle of a frame too."""
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    value: Json = json.loads(_exactly(stream, length))
    return value


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise EOFError
    return content


async def receive(stream: asyncio.StreamReader) -> Json:
    """The next value; raises `asyncio.IncompleteReadError` at the end, ValueError for no JSON."""
    (length,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    if length > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"{length} bytes")
    return value_of(await stream.readexactly(length))


def value_of(text: bytes) -> Json:
    """The JSON value that an engine answered; raises ValueError for what is none.

    NaN and infinities, which Python's reader takes, are none, nor is what is nested without end.
    """
    try:
        value: Json = json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no number of JSON")
