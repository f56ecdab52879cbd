"""Converts gRPC statuses to the exceptions of `phoenix_dma.errors`."""

from __future__ import annotations

from typing import Final

from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma import errors
from phoenix_dma.wire.sizes import oversize_of
from phoenix_dma.wire.status_details import DOMAIN, detail_of, is_unanswered, rich_status_of

BY_CODE: Final[dict[StatusCode, type[errors.PhoenixError]]] = {
    StatusCode.UNAUTHENTICATED: errors.CredentialInvalid,
    StatusCode.PERMISSION_DENIED: errors.NotPermitted,
    StatusCode.INVALID_ARGUMENT: errors.FieldInvalid,
    StatusCode.NOT_FOUND: errors.NotFound,
    StatusCode.RESOURCE_EXHAUSTED: errors.QuotaExceeded,
}
"""The nearest class for a status without our details, such as a proxy's."""


def error_of(error: AioRpcError) -> errors.PhoenixError:
    """The exception for a status; `PhoenixError` itself for a reason that is not known here."""
    status = rich_status_of(error)
    info = detail_of(status, error_details_pb2.ErrorInfo)
    if info is None or info.domain != DOMAIN:
        return _by_code(error)
    facts = dict(info.metadata)
    remedy = facts.pop("remedy", "") or facts.get("remediation", "")
    kind = errors.BY_REASON.get(info.reason, errors.PhoenixError)
    made = kind(status.message, facts, remedy=remedy)
    if isinstance(made, errors.FieldInvalid):
        made.violations = _violations(status)
    return made


def retry_after(error: AioRpcError) -> float:
    """Seconds to wait before another try, as the runtime asks; 0 where it asks nothing."""
    info = detail_of(rich_status_of(error), error_details_pb2.RetryInfo)
    return 0.0 if info is None else info.retry_delay.ToTimedelta().total_seconds()


def _by_code(error: AioRpcError) -> errors.PhoenixError:
    if is_unanswered(error):
        return errors.Unavailable(f"The runtime does not answer: {error.details()}")
    oversize = oversize_of(error.details())
    if oversize is not None:
        return errors.TooLarge(oversize.text, oversize.facts)
    kind = BY_CODE.get(error.code(), errors.PhoenixError)
    return kind(f"{error.code().name}: {error.details()}")


def _violations(status: status_pb2.Status) -> tuple[errors.Violation, ...]:
    found = detail_of(status, error_details_pb2.BadRequest)
    named = found.field_violations if found is not None else ()
    return tuple(errors.Violation(v.field, v.description) for v in named)
