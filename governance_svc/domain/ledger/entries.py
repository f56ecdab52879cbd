"""The ledger's entries, and the filter for reading them (events)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from phoenix_runtime.core.documents import HashedEvent
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import Json, bytes_hash


@dataclass(frozen=True, slots=True)
class VerifiedEvent:
    """An event whose leaf hash was verified; ``document`` is the canonical form that was hashed."""

    event: AuditEvent
    document: str


class LeafMismatch(ValueError):
    """The leaf hash is not that of the event: the event was changed after it was hashed."""


@dataclass(frozen=True, slots=True)
class SentEvents:
    """What a service wants appended; ``field`` of its request holds the events."""

    field: str
    events: Sequence[HashedEvent]


def verified(hashed: HashedEvent) -> VerifiedEvent:
    """The event with its content, whose hash it is; raises `LeafMismatch` where it is another's."""
    event = hashed.event
    if bytes_hash(hashed.content.encode()) != event.leaf_hash:
        raise LeafMismatch(f"{event.leaf_hash} is not the leaf hash of {event.event_id}")
    return VerifiedEvent(event, hashed.content)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its tenant's ledger. ``sequence`` counts from 1 without a gap."""

    event: AuditEvent
    sequence: int
    chain_hash: str


@dataclass(frozen=True, slots=True)
class Appended:
    """The result of an append: ``appended`` events were new; ``last_sequence`` is the new end."""

    appended: int
    last_sequence: int


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are read; an empty field does not filter, ``until`` is exclusive."""

    participant: str = ""
    task: str = ""
    types: tuple[str, ...] = ()
    policy_decision: str = ""
    handoff: str = ""
    correlation_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    newest_first: bool = False
    after_sequence: int = 0

    def document(self) -> dict[str, Json]:
        """The filter as JSON, the input of audit.read; order and place say nothing of access."""
        return {
            "participant": self.participant,
            "task": self.task,
            "types": list(self.types),
            "policy_decision": self.policy_decision,
            "handoff": self.handoff,
            "correlation_id": self.correlation_id,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
