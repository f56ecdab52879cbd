"""What every reading verb needs: what an address means, and what stands behind it.

Whether this caller may read is assignment's answer; what the content is, is ours.
"""

from dataclasses import dataclass

from phoenix_runtime.core.errors import ContextHashMismatch, NotFound
from phoenix_runtime.core.principal import Call
from state_svc.domain.address import context_address
from state_svc.domain.ports import (
    Assignment,
    Contents,
    ReferenceKey,
    References,
    ResolvedContext,
)
from state_svc.domain.reference import StateReference


class ContentLost(Exception):
    """A recorded context is not in the store: our fault, never the caller's (I4)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A resolved address: the task that it names, and what assignment says of it."""

    task_id: str
    resolved: ResolvedContext


class RecordedContexts:
    """Resolves addresses at assignment and reads what they point to from the store."""

    def __init__(self, assignment: Assignment, contents: Contents, references: References) -> None:
        self._assignment = assignment
        self._contents = contents
        self._references = references

    async def resolve(self, call: Call, context_ref: str, offer_id: str = "") -> Recorded:
        """Say what ``context_ref`` means for this caller.

        Raises `FieldInvalid` for an address that is none, `NotFound`, `NotPermitted`,
        `OfferLapsed`.
        """
        address = context_address(context_ref)
        resolved = await self._assignment.resolve_context(call, address, offer_id)
        if address.version is not None and address.version != resolved.pointer.version:
            # Assignment reads version 0 as "the newest"; here it is the submitted input, and once
            # something is checkpointed that is read with the briefing of the task.
            raise NotFound("context", context_ref)
        return Recorded(address.task_id, resolved)

    async def content(self, call: Call, recorded: Recorded) -> bytes:
        """The stored bytes of a context by value, as they are now; raises `ContentLost`."""
        pointer = recorded.resolved.pointer
        content = await self._contents.read(call, pointer.hash)
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
        kept = await self._references.read(call, key)
        if kept is None:
            raise ContentLost(f"no reference is stored for {pointer.context_ref}")
        external_ref = recorded.resolved.external_ref
        if external_ref and kept.state_ref != external_ref:
            raise ContextHashMismatch(expected=external_ref, received=kept.state_ref)
        return kept
