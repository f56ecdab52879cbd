"""Declares what the use cases need of store and adapters, and the values that they exchange."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from phoenix_runtime.core import ports
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.ports import Journal
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from state_svc.domain.address import ContextAddress
from state_svc.domain.reference import ReferenceKey, StateReference


@dataclass(frozen=True, slots=True)
class ContextPointer:
    """One context as assignment has recorded it.

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
class PageAsked:
    """The page of a list that a caller asks for; ``total`` asks how many items it has in all."""

    size: int
    token: str
    total: bool


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """The context that assignment is asked to make the newest of a task.

    ``size_bytes`` is 0 and ``external_ref`` given where the content lives elsewhere.
    ``decided_obligations`` are those that the content has decisions for; its writer takes
    ``fulfilled_obligations`` to be met.
    """

    task_id: str
    epoch: int
    base_version: int
    hash: str
    size_bytes: int = 0
    external_ref: str = ""
    fulfilled_obligations: tuple[str, ...] = ()
    decided_obligations: tuple[str, ...] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordedCheckpoint:
    """The pointer as committed, and the receipt of the commit."""

    pointer: ContextPointer
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ResolvedContext:
    """The context behind an address. ``submitted`` is the input, only at version 0."""

    pointer: ContextPointer
    submitted: JsonObject | None = None
    external_ref: str = ""


class Assignment(Protocol):
    """assignment_svc: checks owner, epoch and version in one transaction on the task's row."""

    async def record_checkpoint(self, call: Call, record: CheckpointRecord) -> RecordedCheckpoint:
        """Make a stored context the newest of its task (Algorithm 4, steps 1 and 4).

        Raises `StaleAssignment`, `ContextVersionConflict`, `IllegalTransition`, `NotFound`,
        `NotPermitted`, `Unavailable`.
        """
        ...

    async def resolve_context(
        self, call: Call, address: ContextAddress, offer_id: str
    ) -> ResolvedContext:
        """Resolve ``address`` for this caller; raises `NotFound`, `NotPermitted`, `OfferLapsed`."""
        ...

    async def list_pointers(
        self, call: Call, task_id: str, wanted: PageAsked
    ) -> Page[ContextPointer]:
        """One page of the recorded contexts of a task, newest first."""
        ...


class Contents(Protocol):
    """Immutable contents under their hash, one copy a tenant."""

    async def add_content(self, content_hash: str, content: bytes) -> None:
        """Store ``content`` under its hash; the same content again changes nothing."""
        ...

    async def find_content(self, content_hash: str) -> bytes | None:
        """The bytes stored under that hash, as they are now; None where there are none."""
        ...


class References(Protocol):
    """References to state that is stored elsewhere, immutable."""

    async def add_reference(self, key: ReferenceKey, reference: StateReference) -> StateReference:
        """Store ``reference`` unless ``key`` is taken; answers the one that is there now."""
        ...

    async def find_reference(self, key: ReferenceKey) -> StateReference | None:
        """The reference stored under ``key``; None where there is none."""
        ...


class Unit(Journal, Contents, References, Protocol):
    """One transaction of the state service: all of it is committed, or nothing."""


Units: TypeAlias = ports.Units[Unit]
"""Opens units."""
