"""The errors of the contract as exceptions: one class a reason, with facts and remedy.

Catch `PhoenixError` for all of them. ``facts`` are the variable parts (``ErrorInfo.metadata``),
``remedy`` is one sentence that says what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix_dma.wire.json_values import NotJson as NotJson  # noqa: PLC0414  # one of ours

if TYPE_CHECKING:
    from phoenix_dma.briefing import EffectInfo


class PhoenixError(Exception):
    """The runtime refused a call, or could not be reached; ``text`` is for people."""

    reason: str = "INTERNAL"
    remedy: str = "Report the error id; the log has it too."

    def __init__(
        self, text: str, facts: Mapping[str, str] | None = None, *, remedy: str = ""
    ) -> None:
        super().__init__(text)
        self.text = text
        self.facts = dict(facts or {})
        self.remedy = remedy or type(self).remedy


class ProfileError(PhoenixError):
    """There is no usable profile, or the address in it cannot be used."""

    reason = "PROFILE"
    remedy = "Start a runtime with `phoenix-dma up`, or name a profile in PHOENIX_DMA_PROFILE."


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one field; ``field`` is a path such as ``participant.id``."""

    field: str
    text: str


class FieldInvalid(PhoenixError):
    """Fields are missing or malformed; ``violations`` names every one."""

    reason = "FIELD_INVALID"
    remedy = "Fix the fields named and send the request again."
    violations: tuple[Violation, ...] = ()


class RequestIdReused(PhoenixError):
    """The request id was used before with another body."""

    reason = "REQUEST_ID_REUSED"
    remedy = "Use a new request id for a new request."


class PolicyDenied(PhoenixError):
    """Policy refused; facts: policy, decision_id, explanation, remediation."""

    reason = "POLICY_DENIED"
    remedy = "Ask an operator which policy applies."


class ApprovalRejected(PolicyDenied):
    """A human rejected this content, or nobody answered; ``comment`` is the human's."""

    comment: str = ""
    decided_by: str = ""
    remedy = "Propose other content; the refused one is not asked again."


class EffectUnknown(PolicyDenied):
    """Somebody began this effect, and nobody knows whether it was done; ``key`` is its id.

    Policy does not let it be repeated: look whether it was done, and record what you found.
    """

    remedy = "Look whether it was done, record the outcome with task.record_effect, then go on."

    @property
    def key(self) -> str:
        """The idempotency key under which it was begun."""
        return self.facts.get("authorization_id", "")


class EffectHappened(PhoenixError):
    """This effect was done before, so its block does not run; ``outcome`` is what came of it.

    ``info`` says who began it last, and how often it was begun.
    """

    reason = "EFFECT_HAPPENED"
    remedy = "Go on with the recorded outcome, or let task.once do so."
    info: EffectInfo
    outcome: Any = None


class ApprovalRequired(PhoenixError):
    """A human has to approve this content first; facts: approval_id."""

    reason = "APPROVAL_REQUIRED"
    remedy = "Wait for the human, then ask again with the same content."

    @property
    def approval_id(self) -> str:
        """The id of the pending approval."""
        return self.facts.get("approval_id", "")


class PolicyEngineUnavailable(PhoenixError):
    """The policy engine gave no decision, so nothing was changed."""

    reason = "POLICY_ENGINE_UNAVAILABLE"
    remedy = "Retry after a moment; nothing was changed."


class Unavailable(PhoenixError):
    """The runtime, or a service of it, cannot be reached or did not answer in time."""

    reason = "UNAVAILABLE"
    remedy = "Retry after a moment; is the runtime up (`phoenix-dma status`)?"


class IllegalTransition(PhoenixError):
    """The lifecycle has no such step; facts: from, attempted, allowed."""

    reason = "ILLEGAL_TRANSITION"
    remedy = "Read the resource again and choose one of the allowed steps."


class NoEligibleParticipant(PhoenixError):
    """No participant can take the task; facts name the failed conjunct per candidate."""

    reason = "NO_ELIGIBLE_PARTICIPANT"
    remedy = "Wait until somebody joins, frees up or is certified, or relax what is required."


class ContextHashMismatch(PhoenixError):
    """The hash is not the hash of the content; facts: expected, received."""

    reason = "CONTEXT_HASH_MISMATCH"
    remedy = "Fetch the context again and send the hash of what was received."


class AssignmentLost(PhoenixError):
    """The task is not held any more: stop work on it, never retry. Facts: epoch, current_epoch.

    Raised by the runtime (STALE_ASSIGNMENT), and by the SDK itself as soon as the participant's
    lease may have expired, which is before the task is given to another participant.
    """

    reason = "STALE_ASSIGNMENT"
    remedy = "Stop work on the task; another participant may hold it already."


class ContextVersionConflict(PhoenixError):
    """Another checkpoint was recorded in between; facts: base_version, current_version."""

    reason = "CONTEXT_VERSION_CONFLICT"
    remedy = "Read the newer context, then retry on top of it."


class OfferLapsed(PhoenixError):
    """The offer of a handoff is no longer open."""

    reason = "OFFER_LAPSED"
    remedy = "Forget the offer."


class EtagMismatch(PhoenixError):
    """The resource was changed in between."""

    reason = "ETAG_MISMATCH"
    remedy = "Read the resource again and retry with its etag."


class NotFound(PhoenixError):
    """There is no such resource in the caller's tenant; facts: resource, id."""

    reason = "RESOURCE_NOT_FOUND"
    remedy = "Check the id; what another tenant owns is not found either."


class AlreadyExists(PhoenixError):
    """The id is taken by something else; facts: resource, id."""

    reason = "RESOURCE_EXISTS"
    remedy = "Choose another id, or read the existing resource."


class RevisionCompacted(PhoenixError):
    """The revision asked for has been compacted."""

    reason = "REVISION_COMPACTED"
    remedy = "List, then watch from the revision that the list shows."


class QuotaExceeded(PhoenixError):
    """A quota is exhausted; facts: limit."""

    reason = "QUOTA_EXCEEDED"
    remedy = "Back off and send less."


class TooLarge(PhoenixError):
    """Larger than the limit, ours or the transport's; facts: what, size_bytes, limit_bytes."""

    reason = "TOO_LARGE"
    remedy = "Send less, or keep it elsewhere and checkpoint by reference; waiting does not help."


class CredentialInvalid(PhoenixError):
    """The credential is missing, expired or not issued for this runtime."""

    reason = "CREDENTIAL_INVALID"
    remedy = "Check that the profile is this runtime's; its `phoenix-dma up` writes it anew."


class NotPermitted(PhoenixError):
    """The credential is genuine, but not for this; facts: what was tried."""

    reason = "NOT_PERMITTED"
    remedy = "Use a credential with the role that the call needs."


class TaskFailure(Exception):
    """Raised by a handler to end its attempt; ``retryable`` says whether another may succeed."""

    def __init__(self, text: str, *, retryable: bool = False) -> None:
        super().__init__(text)
        self.retryable = retryable


class InvalidInput(TaskFailure):
    """Raised by a handler whose input is at fault: final, and nothing against who found it.

    Another participant would end the same, so the task fails at once; trust is not touched.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, retryable=False)


class HandOff(Exception):
    """Raised by a handler to stop and let another participant continue from the last checkpoint.

    The SDK starts the handoff and keeps the task until it has moved; where no participant may take
    it, the attempt ends, to be retried with the context kept. ``str`` is the reason, for the audit.
    """


def _by_reason() -> dict[str, type[PhoenixError]]:
    return {kind.reason: kind for kind in PhoenixError.__subclasses__()}


BY_REASON: Mapping[str, type[PhoenixError]] = _by_reason()
"""The class of each reason of ``ErrorReason``."""
