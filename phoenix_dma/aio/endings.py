"""A stream that the house has ended keeps the status with which it was ended.

gRPC for Python answers INTERNAL in its place where the client still wrote meanwhile: a write that
fails because the stream has ended overwrites why it has (grpc/grpc#36066). A participant that is
refused would hear of a fault and come back for ever. Here a failed write waits for the status
instead; to be left out once gRPC does the same. (The gateway has its own: it shares the contract
with us, and nothing else.)
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from grpc.aio import InternalError

SECONDS: Final = 5.0
"""A write can also fail where no status follows; then it was INTERNAL indeed."""


def telling_why(call: Any) -> Any:
    """``call``, a stream of requests whose first write has not begun yet."""
    call._cython_call = _Patient(call._cython_call)  # noqa: SLF001  # what gRPC writes to
    return call


class _Patient:
    """The call below; a write to a stream that has ended says nothing, since the status will."""

    def __init__(self, below: Any) -> None:
        self._below = below

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)

    async def send_serialized_message(self, message: bytes) -> None:
        try:
            await self._below.send_serialized_message(message)
        except InternalError as error:
            try:
                await asyncio.wait_for(self._below.status(), SECONDS)
            except TimeoutError:
                raise error from None
