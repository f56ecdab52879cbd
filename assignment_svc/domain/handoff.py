"""Handoffs: the link from one owner to the next, at most one open a task (paper, Algorithm 5)."""

from dataclasses import dataclass
from datetime import datetime

from assignment_svc.domain.states import HANDOFF_ENDED, HandoffStatus
from assignment_svc.domain.task import Binding, earliest


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer to one target. It holds a seat at the target's gate while it stands.

    ``context_version`` and ``context_hash`` name what the target has to receive: the newest
    checkpoint, or at version 0 the submitted input.
    """

    offer_id: str
    target: str
    target_owner: str
    generation: int
    standing_revision: int
    decision_id: str
    deadline: datetime
    context_version: int
    context_hash: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a target answers to an offer: the hash of what it received, and what it promises."""

    received_hash: str
    accepted_obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """An offer and what became of it; empty ``outcome`` while it stands."""

    task_id: str
    handoff_id: str
    offer: Offer
    made_at: datetime
    outcome: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ParkedHandoff:
    """What a handoff in AWAITING_APPROVAL waits for: a human's yes to one target."""

    approval_id: str
    subject_hash: str
    target: str


@dataclass(frozen=True, slots=True)
class Handoff:
    """One handoff, a part of its task's aggregate; the task's lock covers it.

    ``source_binding`` is what the source held when it began. ``source_seated`` is True while a
    living source that was fenced keeps its seat (from the offer until the rebind).
    """

    handoff_id: str
    task_id: str
    correlation_id: str
    source_binding: Binding
    reason: str
    requested_by: str
    created_at: datetime
    updated_at: datetime
    status: HandoffStatus = HandoffStatus.INITIATED
    source_gone: bool = False
    source_seated: bool = False
    offer: Offer | None = None
    parked: ParkedHandoff | None = None
    cleared_target_id: str = ""
    approval_id: str = ""
    decision_id: str = ""
    target: str = ""
    target_epoch: int = 0
    received_hash: str = ""
    accepted_obligations: tuple[str, ...] = ()
    failure_hash: str = ""
    tries: int = 0
    next_try_at: datetime | None = None
    last_event_id: str = ""

    @property
    def source(self) -> str:
        """Who held the task."""
        return self.source_binding.participant_id

    @property
    def source_epoch(self) -> int:
        """The epoch that the source held, burnt when the task began to migrate."""
        return self.source_binding.epoch

    @property
    def ended(self) -> bool:
        """True where nothing can happen to it any more."""
        return self.status in HANDOFF_ENDED

    @property
    def wake_at(self) -> datetime | None:
        """When a worker has to process it; None where it waits for no time."""
        if self.ended:
            return None
        return earliest((self.next_try_at, self.offer.deadline if self.offer else None))


@dataclass(frozen=True, slots=True)
class HandoffFilter:
    """Which handoffs a list shows; empty fields do not filter."""

    task_id: str = ""
    participant_id: str = ""
    statuses: tuple[HandoffStatus, ...] = ()
