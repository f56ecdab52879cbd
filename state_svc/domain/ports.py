"""What the use cases need of the world outside, and the values that pass through these doors."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from state_svc.domain.address import ContextAddress
from state_svc.domain.reference import StateReference


@dataclass(frozen=True, slots=True)
class ContextPointer:
    """What assignment has recorded of one context.

    ``version`` counts from 1; 0 is the submitted input. ``size_bytes`` is 0 by reference.
    """

    context_ref: str
    hash: str
    version: int
    size_bytes: int
    by_reference: bool
    participant_id: str = ""
    epoch: int = 0
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """What assignment is asked to make the newest context of a task.

    ``size_bytes`` is 0 and ``external_ref`` given where the content lives elsewhere.
    """

    task_id: str
    epoch: int
    base_version: int
    hash: str
    size_bytes: int = 0
    external_ref: str = ""
    fulfilled_obligations: tuple[str, ...] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordedCheckpoint:
    """The pointer as committed, and the receipt of the commit."""

    pointer: ContextPointer
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ResolvedContext:
    """What an address means. ``submitted`` is the input, only at version 0."""

    pointer: ContextPointer
    submitted: JsonObject | None = None
    external_ref: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceKey:
    """What one reference belongs to: one version that one holder of the task wrote.

    Writer and epoch are part of it, so that what somebody without the task stores can never stand
    where the owner's reference is looked for.
    """

    task_id: str
    version: int
    participant_id: str
    epoch: int
    hash: str


class Assignment(Protocol):
    """The one that decides: owner, epoch and version are checked there, in one transaction."""

    async def record_checkpoint(self, call: Call, record: CheckpointRecord) -> RecordedCheckpoint:
        """Make a stored context the newest of its task (Algorithm 4, steps 1 and 4).

        Raises `StaleAssignment`, `ContextVersionConflict`, `IllegalTransition`, `NotFound`,
        `NotPermitted`, `Unavailable`.
        """
        ...

    async def resolve_context(
        self, call: Call, address: ContextAddress, offer_id: str
    ) -> ResolvedContext:
        """Say what ``address`` means; raises `NotFound`, `NotPermitted`, `OfferLapsed`."""
        ...

    async def list_pointers(
        self, call: Call, task_id: str, *, size: int, token: str
    ) -> Page[ContextPointer]:
        """One page of the recorded contexts of a task, newest first."""
        ...


class Contents(Protocol):
    """Immutable bytes under their hash, one copy a tenant."""

    async def keep(self, call: Call, *, content_hash: str, content: bytes) -> None:
        """Store ``content``; the same content again changes nothing."""
        ...

    async def read(self, call: Call, content_hash: str) -> bytes | None:
        """The bytes stored under that hash, as they are now; None where there are none."""
        ...


class References(Protocol):
    """References to state that lives elsewhere, immutable."""

    async def keep(
        self, call: Call, key: ReferenceKey, reference: StateReference
    ) -> StateReference:
        """Store ``reference`` under ``key`` unless there is one; answer the one that is there."""
        ...

    async def read(self, call: Call, key: ReferenceKey) -> StateReference | None:
        """The reference stored under ``key``; None where there is none."""
        ...
