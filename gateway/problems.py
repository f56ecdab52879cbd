"""Answers refusals as RFC 9457 problems, with one table from reason to HTTP status."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from starlette.responses import JSONResponse

from phoenix_runtime.chassis.rpc.statuses import retry_after
from phoenix_runtime.core.errors import FieldInvalid, Refused

STATUS: Mapping[str, int] = {
    "FIELD_INVALID": 400,
    "MALFORMED_BODY": 400,
    "REQUEST_ID_REUSED": 422,
    "CREDENTIAL_INVALID": 401,
    "NOT_PERMITTED": 403,
    "POLICY_DENIED": 403,
    "RESOURCE_NOT_FOUND": 404,
    "ROUTE_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "RESOURCE_EXISTS": 409,
    "APPROVAL_REQUIRED": 409,
    "ILLEGAL_TRANSITION": 409,
    "NO_ELIGIBLE_PARTICIPANT": 409,
    "CONTEXT_HASH_MISMATCH": 409,
    "STALE_ASSIGNMENT": 409,
    "CONTEXT_VERSION_CONFLICT": 409,
    "OFFER_LAPSED": 409,
    "ETAG_MISMATCH": 412,
    "REVISION_COMPACTED": 410,
    "TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "QUOTA_EXCEEDED": 429,
    "POLICY_ENGINE_UNAVAILABLE": 503,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}
"""The HTTP status of each reason; others are internal errors."""

TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "No valid credential",
    403: "Not allowed",
    404: "Not found",
    405: "No such method here",
    409: "Not in this state",
    410: "Gone",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not JSON",
    422: "Request id reused",
    429: "Quota exceeded",
    500: "Internal error",
    503: "Temporarily unavailable",
}
MEDIA_TYPE = "application/problem+json"


class MalformedBody(Refused):
    """The body is not JSON, or has more than one meaning."""

    reason = "MALFORMED_BODY"
    remedy = "Send one JSON object in UTF-8, uncompressed, each name once."


class UnsupportedMediaType(Refused):
    """The body's content type is not JSON."""

    reason = "UNSUPPORTED_MEDIA_TYPE"
    remedy = "Send the header content-type: application/json."


class RouteNotFound(Refused):
    """Nothing is served at the path, whichever id it names."""

    reason = "ROUTE_NOT_FOUND"
    remedy = (
        "Check the path: GET /openapi.json, with a credential, describes every route; "
        "gateway/README.md lists them."
    )


class MethodNotAllowed(Refused):
    """The path exists, but not with this method."""

    reason = "METHOD_NOT_ALLOWED"
    remedy = "Use a method named in the header Allow."


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What belongs to one answer rather than to the kind of problem.

    ``correlation_id`` is that of the call, or of a request that became none.
    """

    correlation_id: str
    headers: Mapping[str, str] = field(default_factory=dict)


def status_of(refused: Refused) -> int:
    """Return the HTTP status of a refusal."""
    return STATUS.get(refused.reason, STATUS["INTERNAL"])


def problem(refused: Refused, this: Occurrence) -> JSONResponse:
    """Return the answer with reason, facts and remedy."""
    status = status_of(refused)
    document: dict[str, object] = {
        "type": f"urn:phoenix-dma:problem:{refused.reason.lower().replace('_', '-')}",
        "title": TITLES[status],
        "status": status,
        "detail": refused.text,
        "reason": refused.reason,
        "facts": refused.facts,
        "remedy": refused.remedy,
        "correlation_id": this.correlation_id,
    }
    if isinstance(refused, FieldInvalid):
        document["violations"] = [{"field": v.field, "text": v.text} for v in refused.violations]
    headers = {**_headers(refused, status), **this.headers}
    return JSONResponse(document, status, headers=headers, media_type=MEDIA_TYPE)


def _headers(refused: Refused, status: int) -> dict[str, str]:
    """Return the headers that HTTP requires with some statuses."""
    headers = {"cache-control": "no-store"}
    if status == STATUS["CREDENTIAL_INVALID"]:
        headers["www-authenticate"] = 'Bearer realm="phoenix-dma"'
    seconds = retry_after(refused)
    if seconds is not None:
        headers["retry-after"] = str(ceil(seconds))
    return headers
