"""What is judged: the audit, and what the tables said at the same moment. All of one tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from phoenix_runtime.core.chain import Head, Link
from phoenix_runtime.core.events import AuditEvent


@dataclass(frozen=True, slots=True)
class ObservedTask:
    """A task's row. ``owner`` is empty and ``owner_epoch`` 0 where nobody holds it.

    ``losses`` counts the owners that were lost while it was active, up to ``max_losses`` (0: any
    number). ``met`` are the obligations that evidence met: id, evidence and event, each a text.
    """

    task_id: str
    status: str
    version: int
    epoch: int
    correlation_id: str
    owner: str = ""
    owner_epoch: int = 0
    parked_action: str = ""
    handoff_id: str = ""
    pointer_version: int = 0
    pointer_hash: str = ""
    result_hash: str = ""
    losses: int = 0
    max_losses: int = 0
    met: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class ObservedBinding:
    """One acquisition of a task; ``ended_at`` is None while it lasts."""

    task_id: str
    epoch: int
    participant_id: str
    gained_by: str
    bound_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class ObservedGate:
    """A participant's gate."""

    participant_id: str
    capacity: int
    used: int
    retirement_id: str = ""


@dataclass(frozen=True, slots=True)
class ObservedHandoff:
    """A handoff's row. ``target`` is whom it is on offer to, or who took over."""

    handoff_id: str
    task_id: str
    source: str
    source_epoch: int
    status: str
    source_gone: bool
    source_seated: bool
    offered_to: str = ""
    offered_hash: str = ""
    target: str = ""
    target_epoch: int = 0
    received_hash: str = ""


@dataclass(frozen=True, slots=True)
class ObservedRetirement:
    """A retirement's row."""

    retirement_id: str
    participant_id: str
    status: str
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ObservedParticipant:
    """A participant's row in the registry."""

    participant_id: str
    status: str
    version: int
    retirement_id: str = ""


@dataclass(frozen=True, slots=True)
class ObservedPointer:
    """One recorded checkpoint; ``by_reference`` where its content lives elsewhere."""

    task_id: str
    version: int
    hash: str
    participant_id: str
    epoch: int
    by_reference: bool = False


@dataclass(frozen=True, slots=True)
class ObservedEffect:
    """An effect outside the runtime, as its row has it."""

    authorization_id: str
    task_id: str
    status: str
    begun: int
    epoch: int


@dataclass(frozen=True, slots=True)
class ObservedApproval:
    """An approval's row in governance."""

    approval_id: str
    status: str
    version: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything, as one consistent look found it. Events may come in any order.

    ``links`` are the ledger's, in order, and ``head`` is where it says that it ends; None where no
    ledger was looked at. ``contents`` tells the hash of what is kept under each hash; None where
    the contents were not looked at.
    """

    events: Sequence[AuditEvent]
    tasks: Sequence[ObservedTask] = ()
    bindings: Sequence[ObservedBinding] = ()
    gates: Sequence[ObservedGate] = ()
    handoffs: Sequence[ObservedHandoff] = ()
    retirements: Sequence[ObservedRetirement] = ()
    participants: Sequence[ObservedParticipant] = ()
    pointers: Sequence[ObservedPointer] = ()
    approvals: Sequence[ObservedApproval] = ()
    effects: Sequence[ObservedEffect] = ()
    links: Sequence[Link] = ()
    head: Head | None = None
    contents: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: the rule's name (guarantees), about what, and what is wrong."""

    rule: str
    subject: str
    text: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.rule} {self.subject}: {self.text}"
