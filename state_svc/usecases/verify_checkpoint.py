"""Hashes a stored context again, so that every reader can check its integrity."""

from dataclasses import dataclass

from phoenix_runtime.core.json import bytes_hash, content_hash
from phoenix_runtime.core.principal import Call
from state_svc.usecases.recorded import ContentLost, Recorded, RecordedContexts


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of the comparison. ``stored_hash`` is empty where there is nothing to hash."""

    verified: bool
    recorded_hash: str
    stored_hash: str
    explanation: str


class VerifyCheckpoint:
    """Compares a stored context with its recorded hash; changes nothing."""

    def __init__(self, recorded: RecordedContexts) -> None:
        self._recorded = recorded

    async def __call__(self, call: Call, context_ref: str) -> Verification:
        """Compare the context at ``context_ref``; raises what `RecordedContexts.resolve` raises."""
        recorded = await self._recorded.resolve(call, context_ref)
        pointer = recorded.resolved.pointer
        if pointer.by_reference:
            text = "The content lives elsewhere and is never fetched; its hash is attested only."
            return Verification(
                verified=False, recorded_hash=pointer.hash, stored_hash="", explanation=text
            )
        stored = await self._stored_hash(call, recorded)
        return Verification(
            verified=stored == pointer.hash,
            recorded_hash=pointer.hash,
            stored_hash=stored,
            explanation=_explained(pointer.hash, stored),
        )

    async def _stored_hash(self, call: Call, recorded: Recorded) -> str:
        """The hash of the content that is stored now; empty where there is none."""
        if recorded.resolved.pointer.version == 0:
            return content_hash(recorded.resolved.submitted or {})
        try:
            return bytes_hash(await self._recorded.content(call, recorded))
        except ContentLost:
            return ""


def _explained(recorded: str, stored: str) -> str:
    """The result in one sentence."""
    if not stored:
        return "Nothing is stored under the recorded hash."
    if stored == recorded:
        return "The stored content has the recorded hash."
    return "The stored content does not have the recorded hash: it was changed after recording."
