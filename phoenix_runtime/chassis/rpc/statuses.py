"""Maps refusals of the domain to gRPC statuses and back, by one table."""

from typing import Any

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from phoenix_dma.wire.sizes import oversize_of
from phoenix_dma.wire.status_details import (
    DETAILS_KEY,
    DOMAIN,
    detail_of,
    is_unanswered,
    rich_status_of,
)
from phoenix_runtime.core import errors
from phoenix_runtime.core.errors import FieldInvalid, QuotaExceeded, Refused, Violation
from phoenix_runtime.core.wire import counted

RETRY_AFTER = 1
"""Seconds after which a caller may try again what was refused as UNAVAILABLE."""

LONGEST_TEXT = 500
LONGEST_FACT = 600
FACTS_BYTES = 2_500
VIOLATIONS_BYTES = 2_500
"""Clients refuse trailing metadata from 8 KiB on, and then see nothing of the refusal at all."""

CODES: dict[type[Refused], StatusCode] = {
    errors.FieldInvalid: StatusCode.INVALID_ARGUMENT,
    errors.RequestIdReused: StatusCode.INVALID_ARGUMENT,
    errors.PolicyDenied: StatusCode.PERMISSION_DENIED,
    errors.ApprovalRequired: StatusCode.FAILED_PRECONDITION,
    errors.PolicyEngineUnavailable: StatusCode.UNAVAILABLE,
    errors.Unavailable: StatusCode.UNAVAILABLE,
    errors.IllegalTransition: StatusCode.FAILED_PRECONDITION,
    errors.NoEligibleParticipant: StatusCode.FAILED_PRECONDITION,
    errors.ContextHashMismatch: StatusCode.FAILED_PRECONDITION,
    errors.StaleAssignment: StatusCode.ABORTED,
    errors.ContextVersionConflict: StatusCode.ABORTED,
    errors.OfferLapsed: StatusCode.ABORTED,
    errors.EtagMismatch: StatusCode.ABORTED,
    errors.NotFound: StatusCode.NOT_FOUND,
    errors.AlreadyExists: StatusCode.ALREADY_EXISTS,
    errors.QuotaExceeded: StatusCode.RESOURCE_EXHAUSTED,
    errors.TooLarge: StatusCode.RESOURCE_EXHAUSTED,
    errors.CredentialInvalid: StatusCode.UNAUTHENTICATED,
    errors.NotPermitted: StatusCode.PERMISSION_DENIED,
}
BY_REASON: dict[str, type[Refused]] = {kind.reason: kind for kind in CODES}


def code_of(refused: Refused) -> StatusCode:
    """The status code of a refusal; INTERNAL for one that the table does not know."""
    for kind in type(refused).__mro__:
        if kind in CODES:
            return CODES[kind]
    return StatusCode.INTERNAL


def status_of(refused: Refused) -> status_pb2.Status:
    """The rich status (google.rpc.Status): reason, facts, remedy, violations, retry."""
    code: int = code_of(refused).value[0]
    facts = _bounded_facts(refused)
    details = [error_details_pb2.ErrorInfo(reason=refused.reason, domain=DOMAIN, metadata=facts)]
    packed = [_packed(detail) for detail in details]
    if isinstance(refused, FieldInvalid):
        packed.append(_packed(_bad_request(refused)))
    seconds = retry_after(refused)
    if seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(1000 * seconds))
        packed.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    return status_pb2.Status(code=code, message=text_of(refused), details=packed)


def retry_after(refused: Refused) -> float | None:
    """Seconds after which to try again; None where it would not help."""
    if isinstance(refused, QuotaExceeded):
        return refused.retry_after
    return RETRY_AFTER if code_of(refused) is StatusCode.UNAVAILABLE else None


def text_of(refused: Refused) -> str:
    """What the refusal says, in at most 500 characters."""
    return shortened(refused.text, LONGEST_TEXT)


def shortened(text: str, longest: int) -> str:
    """``text``, cut where it is longer."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def metadata_of(refused: Refused) -> Metadata:
    """The trailing metadata that carries the rich status."""
    return Metadata((DETAILS_KEY, status_of(refused).SerializeToString()))


def refusal_of(error: AioRpcError) -> Refused:
    """The refusal that a peer answered, as the class that it raised.

    A peer that cannot be reached, does not answer in time, or whose connection breaks under the
    call, is `Unavailable`.
    """
    status = rich_status_of(error)
    info = detail_of(status, error_details_pb2.ErrorInfo)
    if info is not None and info.domain == DOMAIN and info.reason in BY_REASON:
        return _rebuilt(BY_REASON[info.reason], status.message, info, status)
    if is_unanswered(error):
        # gRPC's own words name addresses inside the runtime; they stay in the chain of errors.
        late = error.code() is StatusCode.DEADLINE_EXCEEDED
        how = "did not answer in time" if late else "is unavailable"
        return errors.Unavailable(f"A part of the runtime {how}")
    oversize = oversize_of(error.details()) if info is None else None
    if oversize is not None:
        too_large = errors.TooLarge.__new__(errors.TooLarge)
        Refused.__init__(too_large, oversize.text, oversize.facts)
        return too_large
    if info is not None and info.domain == DOMAIN:
        refused = Refused(status.message, dict(info.metadata))
        refused.reason = info.reason
        return refused
    return Refused(f"{error.code().name}: {error.details()}")


def _rebuilt(
    kind: type[Refused],
    text: str,
    info: error_details_pb2.ErrorInfo,
    status: status_pb2.Status,
) -> Refused:
    """An instance of ``kind`` with what came over the wire, past its own constructor."""
    refused = kind.__new__(kind)
    Refused.__init__(refused, text, dict(info.metadata))
    refused.remedy = refused.facts.pop("remedy", kind.remedy)
    if isinstance(refused, FieldInvalid):
        found = detail_of(status, error_details_pb2.BadRequest)
        refused.violations = tuple(
            Violation(v.field, v.description) for v in (found.field_violations if found else ())
        )
    if isinstance(refused, QuotaExceeded):
        retry = detail_of(status, error_details_pb2.RetryInfo)
        refused.retry_after = retry.retry_delay.ToMilliseconds() / 1000 if retry else None
    return refused


def _bounded_facts(refused: Refused) -> dict[str, str]:
    """The facts as far as they fit, the remedy first, and how many were left out."""
    facts = {"remedy": refused.remedy, **refused.facts} if refused.remedy else refused.facts
    kept: dict[str, str] = {}
    left = FACTS_BYTES
    for name, value in facts.items():
        short = shortened(value, LONGEST_FACT)
        left -= len(name.encode()) + len(short.encode())
        if left < 0:
            kept["facts_left_out"] = str(len(facts) - len(kept))
            break
        kept[name] = short
    return kept


def _bad_request(refused: FieldInvalid) -> error_details_pb2.BadRequest:
    """The violations as far as they fit; the last one says how many more there are."""
    violation = error_details_pb2.BadRequest.FieldViolation
    made = error_details_pb2.BadRequest()
    left = VIOLATIONS_BYTES
    for index, found in enumerate(refused.violations):
        field, text = shortened(found.field, 128), shortened(found.text, LONGEST_FACT)
        left -= len(field.encode()) + len(text.encode())
        if left < 0:
            more = len(refused.violations) - index
            are = "is" if more == 1 else "are"
            rest = f"{counted(more, 'more violation')} {are} left out"
            made.field_violations.append(violation(field="", description=rest))
            break
        made.field_violations.append(violation(field=field, description=text))
    return made


def _packed(detail: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
