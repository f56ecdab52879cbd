"""Reads a context: by value checked against its recorded hash, by reference as attested."""

import json
from dataclasses import dataclass

from phoenix_runtime.core.errors import ContextHashMismatch
from phoenix_runtime.core.json import JsonObject, bytes_hash, content_hash
from phoenix_runtime.core.principal import Call
from state_svc.domain.ports import ContextPointer
from state_svc.domain.reference import StateReference
from state_svc.usecases.recorded import RecordedContexts


@dataclass(frozen=True, slots=True)
class Context:
    """A context, either as document or as reference. Version 0 is the submitted input."""

    pointer: ContextPointer
    document: JsonObject | None = None
    reference: StateReference | None = None


class GetContext:
    """Reads the context behind a ``phoenix://`` address."""

    def __init__(self, recorded: RecordedContexts) -> None:
        self._recorded = recorded

    async def __call__(self, call: Call, context_ref: str, offer_id: str = "") -> Context:
        """Read ``context_ref``, under the offer ``offer_id`` where the caller is its target.

        Raises what `RecordedContexts` raises, and `ContextHashMismatch` where the stored content
        does not have the recorded hash.
        """
        recorded = await self._recorded.resolve(call, context_ref, offer_id)
        pointer = recorded.resolved.pointer
        if pointer.version == 0:
            submitted = recorded.resolved.submitted or {}
            _require_same(pointer.hash, content_hash(submitted))
            return Context(pointer, document=submitted)
        if pointer.by_reference:
            return Context(pointer, reference=await self._recorded.reference(call, recorded))
        content = await self._recorded.content(call, recorded)
        _require_same(pointer.hash, bytes_hash(content))
        return Context(pointer, document=json.loads(content))


def _require_same(recorded: str, stored: str) -> None:
    """Raise `ContextHashMismatch` where the hashes differ."""
    if recorded != stored:
        raise ContextHashMismatch(expected=recorded, received=stored)
