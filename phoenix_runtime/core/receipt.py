"""The proof of a governed change that a caller is given."""

from dataclasses import dataclass

from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Receipt:
    """The decision, the audit event and the version that a change rests on."""

    audit_event_id: str
    correlation_id: str
    aggregate_version: int
    verdict: Verdict | None = None
