"""A stream that the service behind has ended keeps the status with which it was ended.

gRPC for Python answers INTERNAL in its place where the caller still wrote meanwhile: a write that
fails because the stream has ended overwrites why it has (grpc/grpc#36066). A participant would hear
of a fault of ours where it was refused, and try again for ever. Here a failed write waits for the
status instead; to be left out once gRPC does the same.
"""

import asyncio
from functools import partial
from typing import Any, Final

from grpc.aio import InternalError

SECONDS: Final = 5.0
"""A write can also fail where no status follows; then it was INTERNAL indeed."""
ENDED: Final = "The stream has ended already"


def telling_why(call: Any) -> Any:
    """``call``, a stream of requests that go up as bytes; its first write has not begun yet."""
    call._write = partial(_write, call)  # noqa: SLF001  # what gRPC's own reader of requests calls
    return call


async def _write(call: Any, request: bytes) -> None:
    """Send one message, or raise what ended the stream."""
    if call.done():
        raise asyncio.InvalidStateError(ENDED)
    await call._metadata_sent.wait()  # noqa: SLF001
    if call.done():
        await call._raise_for_status()  # noqa: SLF001
    try:
        await call._cython_call.send_serialized_message(request)  # noqa: SLF001
    except InternalError as error:
        await _status(call, error)
    except asyncio.CancelledError:
        if not call.cancelled():
            call.cancel()
        raise


async def _status(call: Any, error: InternalError) -> None:
    """Raise the status of ``call`` once it is there."""
    try:
        async with asyncio.timeout(SECONDS):
            await call.code()
    except TimeoutError:
        call._cython_call.set_internal_error(str(error))  # noqa: SLF001
    await call._raise_for_status()  # noqa: SLF001
