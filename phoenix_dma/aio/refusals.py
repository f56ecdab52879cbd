"""From gRPC statuses to the exceptions of `phoenix_dma.errors`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma import errors

DOMAIN: Final = "phoenix-dma"
DETAILS: Final = "grpc-status-details-bin"
AWAY: Final = frozenset({StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED})

PLAIN: Final[dict[StatusCode, type[errors.PhoenixError]]] = {
    StatusCode.UNAUTHENTICATED: errors.CredentialInvalid,
    StatusCode.PERMISSION_DENIED: errors.NotPermitted,
    StatusCode.INVALID_ARGUMENT: errors.FieldInvalid,
    StatusCode.NOT_FOUND: errors.NotFound,
    StatusCode.RESOURCE_EXHAUSTED: errors.QuotaExceeded,
}
"""What a status without details of ours, from a proxy say, comes nearest to."""

Detail = TypeVar("Detail", bound=Message)


def error_of(error: AioRpcError) -> errors.PhoenixError:
    """The exception that stands for what came over the wire."""
    status = _status(error)
    info = _detail(status, error_details_pb2.ErrorInfo)
    if info is None or info.domain != DOMAIN:
        return _foreign(error)
    facts = dict(info.metadata)
    remedy = facts.pop("remedy", "") or facts.get("remediation", "")
    kind = errors.BY_REASON.get(info.reason, errors.PhoenixError)
    made = kind(status.message, facts, remedy=remedy)
    if isinstance(made, errors.FieldInvalid):
        made.violations = _violations(status)
    return made


def retry_after(error: AioRpcError) -> float:
    """Seconds that the house asks to wait before another try; 0 where it asks nothing."""
    info = _detail(_status(error), error_details_pb2.RetryInfo)
    return 0.0 if info is None else info.retry_delay.ToTimedelta().total_seconds()


def _foreign(error: AioRpcError) -> errors.PhoenixError:
    if error.code() in AWAY:
        return errors.Unavailable(f"The house does not answer: {error.details()}")
    kind = PLAIN.get(error.code(), errors.PhoenixError)
    return kind(f"{error.code().name}: {error.details()}")


def _violations(status: status_pb2.Status) -> tuple[errors.Violation, ...]:
    found = _detail(status, error_details_pb2.BadRequest)
    named = found.field_violations if found is not None else ()
    return tuple(errors.Violation(v.field, v.description) for v in named)


def _status(error: AioRpcError) -> status_pb2.Status:
    metadata: Iterable[Any] = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == DETAILS and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()


def _detail(status: status_pb2.Status, kind: type[Detail]) -> Detail | None:
    for packed in status.details:
        if packed.Is(kind.DESCRIPTOR):
            found = kind()
            packed.Unpack(found)
            return found
    return None
