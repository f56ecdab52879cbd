"""Resolves addresses of contexts and reads what is stored behind them, for every reading use case.

Assignment decides whether the caller may read; the content comes from this service's store.
"""

from dataclasses import dataclass

from phoenix_runtime.core.errors import ContextHashMismatch, NotFound
from phoenix_runtime.core.principal import Call
from state_svc.domain.address import context_address
from state_svc.domain.ports import (
    Assignment,
    ResolvedContext,
    Units,
)
from state_svc.domain.reference import ReferenceKey, StateReference


class ContentLost(Exception):
    """A recorded context is not in the store: an internal error, never the caller's (I4)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A resolved address: the task that it names, and assignment's answer."""

    task_id: str
    resolved: ResolvedContext


class RecordedContexts:
    """Resolves addresses at assignment and reads what they point to from the store."""

    def __init__(self, assignment: Assignment, units: Units) -> None:
        self._assignment = assignment
        self._units = units

    async def resolve(self, call: Call, context_ref: str, offer_id: str = "") -> Recorded:
        """Resolve ``context_ref`` for this caller, the target of offer ``offer_id`` where given.

        Raises `FieldInvalid` for an invalid address, `NotFound`, `NotPermitted`,
        `OfferLapsed`.
        """
        address = context_address(context_ref)
        resolved = await self._assignment.resolve_context(call, address, offer_id)
        if address.version is not None and address.version != resolved.pointer.version:
            # Assignment takes version 0 for the newest one, here it is the submitted input. Once a
            # checkpoint exists the input is read with the task's briefing.
            raise NotFound("context", context_ref)
        return Recorded(address.task_id, resolved)

    async def content(self, call: Call, recorded: Recorded) -> bytes:
        """The stored bytes of a context by value, as they are now; raises `ContentLost`."""
        pointer = recorded.resolved.pointer
        async with self._units.reading(call) as unit:
            content = await unit.find_content(pointer.hash)
        if content is None:
            raise ContentLost(f"nothing is stored under {pointer.hash} of {pointer.context_ref}")
        return content

    async def reference(self, call: Call, recorded: Recorded) -> StateReference:
        """The reference behind a pointer; raises `ContentLost`, `ContextHashMismatch`."""
        pointer = recorded.resolved.pointer
        key = ReferenceKey(
            task_id=recorded.task_id,
            version=pointer.version,
            participant_id=pointer.participant_id,
            epoch=pointer.epoch,
            hash=pointer.hash,
        )
        async with self._units.reading(call) as unit:
            stored = await unit.find_reference(key)
        if stored is None:
            raise ContentLost(f"no reference is stored for {pointer.context_ref}")
        external_ref = recorded.resolved.external_ref
        if external_ref and stored.state_ref != external_ref:
            raise ContextHashMismatch(expected=external_ref, received=stored.state_ref)
        return stored
