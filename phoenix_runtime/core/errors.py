"""Every refusal of the runtime. One class for each reason; the variable parts are facts.

The chassis maps these to gRPC statuses (`phoenix_runtime.chassis.rpc.statuses`); nothing here knows
about a wire. ``facts`` travel as ``ErrorInfo.metadata``, so they are strings and hold no secret.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phoenix_runtime.core.verdict import Verdict


class Refused(Exception):
    """A refusal that the caller can understand. ``remedy`` says what to do about it."""

    reason = "INTERNAL"
    remedy = ""

    def __init__(self, text: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.facts = {key: str(value) for key, value in (facts or {}).items()}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one field. ``field`` is a path such as ``participant.id``."""

    field: str
    text: str


class FieldInvalid(Refused):
    """Fields are missing or malformed; every violation of the request is named at once."""

    reason = "FIELD_INVALID"
    remedy = "Fix the fields named and send the request again."

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{v.field}: {v.text}" for v in self.violations))


class RequestIdReused(Refused):
    """The request id was used before by this caller for this RPC with another body."""

    reason = "REQUEST_ID_REUSED"
    remedy = "Use a new request id for a new request."


class PolicyDenied(Refused):
    """Policy says no. Carries the verdict, so that the denial can be audited as it was made."""

    reason = "POLICY_DENIED"

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.remedy = " ".join(verdict.remediation) or "Ask an operator which policy applies."
        facts = {
            "policy": verdict.policy,
            "decision_id": verdict.decision_id,
            "decision_point": verdict.point,
            "explanation": verdict.explanation,
            "remediation": self.remedy,
        }
        super().__init__(f"Policy {verdict.policy} denied this: {verdict.explanation}", facts)


class ApprovalRequired(Refused):
    """A human has to approve this content first."""

    reason = "APPROVAL_REQUIRED"
    remedy = "Wait for the directive approval_decided, then ask again with the same content."

    def __init__(self, approval_id: str, subject_hash: str) -> None:
        super().__init__(
            f"A human has to approve this first ({approval_id})",
            {"approval_id": approval_id, "subject_hash": subject_hash},
        )


class PolicyEngineUnavailable(Refused):
    """No decision could be had; no decision means no change (I9)."""

    reason = "POLICY_ENGINE_UNAVAILABLE"
    remedy = "Retry after the delay given; nothing was changed."

    def __init__(self, text: str, *, lasting: bool = False) -> None:
        """``lasting``: what is in the engine's place is none, so to wait does not help."""
        super().__init__(text, {"lasting": "true"} if lasting else {})
        if lasting:
            self.remedy = "Nothing was changed. See to the policy engine: to wait does not help."

    @property
    def lasting(self) -> bool:
        """Whether somebody has to do something before there can be a decision."""
        return "lasting" in self.facts


class Unavailable(Refused):
    """A part of the runtime is unavailable."""

    reason = "UNAVAILABLE"
    remedy = "Retry after the delay given; what was acknowledged is safe."


class IllegalTransition(Refused):
    """The lifecycle has no such step from where the resource is."""

    reason = "ILLEGAL_TRANSITION"
    remedy = "Read the resource again and choose one of the allowed steps."

    def __init__(self, *, kind: str, source: str, verb: str, allowed: Iterable[str]) -> None:
        choices = ", ".join(sorted(allowed)) or "none"
        article = "An" if kind[0] in "aeiou" else "A"
        super().__init__(
            f"{article} {kind} that is {source} cannot {verb}; allowed from here: {choices}",
            {"kind": kind, "from": source, "attempted": verb, "allowed": choices},
        )


class NoEligibleParticipant(Refused):
    """Nobody can take the task; ``facts`` name the failed conjunct per candidate."""

    reason = "NO_ELIGIBLE_PARTICIPANT"
    remedy = "Wait until somebody joins, frees up or is certified, or relax what is required."


class ContextHashMismatch(Refused):
    """The hash is not the hash of the content."""

    reason = "CONTEXT_HASH_MISMATCH"
    remedy = "Fetch the context again and send the hash of what was received."

    def __init__(self, *, expected: str, received: str) -> None:
        super().__init__(
            f"The hash {received} is not the recorded {expected}",
            {"expected": expected, "received": received},
        )


class StaleAssignment(Refused):
    """The caller does not hold the task any more (I3)."""

    reason = "STALE_ASSIGNMENT"
    remedy = "Stop work on the task; never retry. Somebody else may hold it already."

    def __init__(self, *, task_id: str, epoch: int, current_epoch: int) -> None:
        super().__init__(
            f"Epoch {epoch} of {task_id} is not current (now {current_epoch})",
            {"task_id": task_id, "epoch": epoch, "current_epoch": current_epoch},
        )


class ContextVersionConflict(Refused):
    """Somebody checkpointed in between (I4)."""

    reason = "CONTEXT_VERSION_CONFLICT"
    remedy = "Read the newer context, then retry on top of it."

    def __init__(self, *, base_version: int, current_version: int) -> None:
        super().__init__(
            f"The newest context has version {current_version}, not {base_version}",
            {"base_version": base_version, "current_version": current_version},
        )


class OfferLapsed(Refused):
    """The offer stands no more; the row's state decides, not the clock."""

    reason = "OFFER_LAPSED"
    remedy = "Forget the offer."

    def __init__(self, offer_id: str) -> None:
        super().__init__(f"The offer {offer_id} stands no more", {"offer_id": offer_id})


class EtagMismatch(Refused):
    """The resource was changed in between."""

    reason = "ETAG_MISMATCH"
    remedy = "Read the resource again and retry with its etag."

    def __init__(self, etag: str) -> None:
        super().__init__("The resource was changed in between", {"etag": etag})


class NotFound(Refused):
    """There is no such resource in the caller's tenant."""

    reason = "RESOURCE_NOT_FOUND"
    remedy = "Check the id; what another tenant owns is not found either."

    def __init__(self, resource: str, resource_id: str) -> None:
        super().__init__(
            f"There is no {resource} {resource_id}", {"resource": resource, "id": resource_id}
        )


class AlreadyExists(Refused):
    """The id is taken by something else."""

    reason = "RESOURCE_EXISTS"
    remedy = "Choose another id, or read the existing resource."

    def __init__(self, resource: str, resource_id: str, text: str = "") -> None:
        super().__init__(
            text or f"There is a {resource} {resource_id} already, and it differs",
            {"resource": resource, "id": resource_id},
        )


class QuotaExceeded(Refused):
    """Too much of something. ``retry_after`` is in seconds; None where waiting does not help."""

    reason = "QUOTA_EXCEEDED"
    remedy = "Back off and send less."

    def __init__(
        self,
        text: str,
        facts: Mapping[str, object] | None = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text, facts)
        self.retry_after = retry_after


class TooLarge(Refused):
    """The content is larger than the limit."""

    reason = "TOO_LARGE"
    remedy = "Send less, or keep it elsewhere and checkpoint by reference; waiting does not help."

    def __init__(self, what: str, *, size: int, limit: int) -> None:
        super().__init__(
            f"The {what} has {size} bytes; at most {limit} are taken",
            {"what": what, "size_bytes": size, "limit_bytes": limit},
        )


class CredentialInvalid(Refused):
    """The credential is missing, expired or not ours. The text never says which key was tried."""

    reason = "CREDENTIAL_INVALID"
    remedy = "Get a new credential (phoenix-dma token) and send it as a bearer token."


class NotPermitted(Refused):
    """A genuine credential, but not for this; what to do differs, so each says it."""

    reason = "NOT_PERMITTED"

    def __init__(
        self, text: str, facts: Mapping[str, object] | None = None, *, remedy: str
    ) -> None:
        super().__init__(text, facts)
        self.remedy = remedy


def role_missing(rpc: str, *, allowed: Iterable[str], held: Iterable[str]) -> NotPermitted:
    """The refusal of a credential that holds none of the roles that ``rpc`` is for."""
    wanted = ", ".join(sorted(allowed))
    return NotPermitted(
        f"{rpc} is for {wanted}; this credential is for {', '.join(sorted(held)) or 'nothing'}",
        {"rpc": rpc, "allowed_roles": wanted},
        remedy=f"Use a profile or credential with one of these roles: {wanted}.",
    )
