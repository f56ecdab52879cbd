"""Keeps the status with which a server ended a stream.

gRPC for Python answers INTERNAL in its place where the client still wrote meanwhile: a write that
fails because the stream has ended overwrites why it has ended (grpc/grpc#36066). A participant that
was refused would see a fault instead and reconnect for ever. Here a failed write waits for the
status. To be removed once gRPC does the same.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from grpc.aio import InternalError

STATUS_SECONDS: Final = 5.0
"""A write can also fail where no status follows; after this time INTERNAL is raised."""


def keep_final_status(call: Any) -> Any:
    """Return ``call``, a stream of requests whose first write has not begun yet."""
    call._cython_call = _StatusKeepingCall(call._cython_call)  # noqa: SLF001  # what gRPC writes to
    return call


class _StatusKeepingCall:
    """gRPC's call object; a write to an ended stream raises nothing, since its status follows."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    async def send_serialized_message(self, message: bytes) -> None:
        try:
            await self._wrapped.send_serialized_message(message)
        except InternalError as error:
            try:
                await asyncio.wait_for(self._wrapped.status(), STATUS_SECONDS)
            except TimeoutError:
                raise error from None
