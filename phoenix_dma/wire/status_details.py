"""Reads the rich status (``google.rpc.Status``) that accompanies every error of the contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError

DOMAIN: Final = "phoenix-dma"
"""``ErrorInfo.domain`` of every error that the contract defines."""
DETAILS_KEY: Final = "grpc-status-details-bin"
"""The trailing metadata that carries the status."""
UNREACHABLE: Final = frozenset(
    {StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED}
)
"""Codes that also mean: the server cannot be reached, or does not answer in time. A server that has
not taken up a call for thirty seconds, or stops, cancels it; what this side cancels raises
`asyncio.CancelledError` instead."""

BROKEN: Final = frozenset({StatusCode.INTERNAL, StatusCode.UNKNOWN})
"""Codes that gRPC gives by itself where the stream or connection broke under a call, or a busy
client was told of its end late. The runtime's own faults carry details."""

Detail = TypeVar("Detail", bound=Message)


def rich_status_of(error: AioRpcError) -> status_pb2.Status:
    """The rich status of an error; an empty one where the error carries none."""
    metadata: Iterable[Any] = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()


def is_broken(error: AioRpcError) -> bool:
    """Whether no server ended the call, but gRPC itself: the same call may be made again."""
    return error.code() in BROKEN and not rich_status_of(error).details


def is_unanswered(error: AioRpcError) -> bool:
    """Whether the call was not answered, whichever code says so, or is to be made again."""
    return error.code() in UNREACHABLE or is_broken(error)


def detail_of(status: status_pb2.Status, kind: type[Detail]) -> Detail | None:
    """The first detail of that message type, or None."""
    for packed in status.details:
        if packed.Is(kind.DESCRIPTOR):
            found = kind()
            packed.Unpack(found)
            return found
    return None
