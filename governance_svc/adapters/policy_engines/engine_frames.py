"""The frames between the service and its policy engine, whose JSON nobody reads on the way.

A request is one call of the engine's library: which one, and its two texts. The answer is the
library's own, a JSON text: the engine's process passes both on as they are, since to read and write
them once more would take longer than the rules.
"""

import asyncio
import struct
from enum import IntEnum
from typing import BinaryIO, Final

REQUEST: Final = struct.Struct(">BII")
"""Which call it is, and the lengths of its texts."""

ANSWER: Final = struct.Struct(">I")
"""The length of an answer."""

MAX_FRAME_BYTES: Final = 32 * 1024 * 1024
"""The largest frame: a bound, far above the largest batch."""


NO_MEMORY: Final = 75
"""How a child ends that has no memory to start an engine in (``EX_TEMPFAIL``)."""


class EngineCall(IntEnum):
    """The calls of the engine's library; each takes two texts."""

    ADD_MODULE = 1
    """A path and the source."""

    ADD_DATA = 2
    """A dotted path and a JSON text."""

    DOCUMENT = 3
    """The dotted path of a document and its input, a JSON text."""

    QUERY = 4
    """A query and its input, a JSON text."""


class FrameTooLarge(ValueError):
    """A frame is larger than `MAX_FRAME_BYTES`."""


def request(call: EngineCall, first: bytes, second: bytes) -> bytes:
    """The frame of a call; raises `FrameTooLarge`."""
    if len(first) + len(second) > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"{len(first) + len(second)} bytes")
    return b"".join((REQUEST.pack(call, len(first), len(second)), first, second))


def read_request(stream: BinaryIO) -> tuple[EngineCall, bytes, bytes]:
    """The next call; raises EOFError at the end of the stream, in the middle of a frame too."""
    call, first, second = REQUEST.unpack(_exactly(stream, REQUEST.size))
    return EngineCall(call), _exactly(stream, first), _exactly(stream, second)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise EOFError
    return content


def write_answer(stream: BinaryIO, answer: bytes) -> None:
    """Write an answer; one that is larger than `MAX_FRAME_BYTES` is refused by its reader."""
    stream.write(ANSWER.pack(len(answer)))
    stream.write(answer)
    stream.flush()


async def receive_answer(stream: asyncio.StreamReader) -> bytes:
    """The next answer; raises `asyncio.IncompleteReadError` at the end, or `FrameTooLarge`."""
    (length,) = ANSWER.unpack(await stream.readexactly(ANSWER.size))
    if length > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"{length} bytes")
    return await stream.readexactly(length)
