"""Reads contexts, and verifies the hash of what was received."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from phoenix_dma.aio.work.calls import awaited, in_thread, is_coroutine_function
from phoenix_dma.aio.work.failure import message_of
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.context import Context
from phoenix_dma.errors import ContextHashMismatch, PhoenixError
from phoenix_dma.v1 import state_pb2
from phoenix_dma.wire.canonical_json import bytes_hash, content_hash
from phoenix_dma.wire.conversions import json_of

ContextResolver = Callable[[state_pb2.StateReference], bytes | Awaitable[bytes]]
"""Fetches state that is stored elsewhere; the SDK hashes what it returns."""


class NoResolver(PhoenixError):
    """The context is stored elsewhere and no resolver reads its scheme; facts: state_ref."""

    reason = "NO_RESOLVER"
    remedy = "Register one: client.resolver(scheme)(function)."


class ResolverFailed(PhoenixError):
    """A function of ``client.resolver`` raised, or returned no bytes; facts: state_ref."""

    reason = "RESOLVER_FAILED"
    remedy = "Mend the resolver; it has to return the bytes at the address."


async def _resolved(resolve: ContextResolver, reference: state_pb2.StateReference) -> bytes:
    """What a resolver of the program returns, run as handlers are: in a thread unless it awaits."""
    if is_coroutine_function(resolve):
        ended = await awaited(resolve, reference)
    else:
        ended = await in_thread("phoenix-dma-resolver", resolve, reference)
    if ended.error is None and isinstance(ended.value, bytes):
        return ended.value
    what = f"returned a {type(ended.value).__name__}, and no bytes"
    said = what if ended.error is None else f"failed: {message_of(ended.error)}"
    text = f"The resolver of {reference.state_ref} {said}"
    raise ResolverFailed(text, {"state_ref": reference.state_ref}) from ended.error


class ContextReader:
    """Reads contexts by ``phoenix://`` address, with the participant's own right to read."""

    def __init__(self, session: ParticipantSession) -> None:
        self._session = session
        self.resolvers: dict[str, ContextResolver] = {}

    async def read(self, context_ref: str, *, offer_id: str = "") -> Context:
        """The content at ``context_ref``, its hash recomputed over what arrived.

        State that is stored elsewhere reads as ``{"data_references": […]}``, once its bytes have
        the hash that their writer recorded. Raises `ContextHashMismatch`, `NoResolver`, or the
        runtime's refusal.
        """
        request = state_pb2.GetContextRequest(context_ref=context_ref, offer_id=offer_id)
        answer = await self._session.ask(self._session.stubs.state.GetContext, request)
        pointer = answer.checkpoint
        if answer.HasField("reference"):
            content, received = await self._elsewhere(answer.reference)
        else:
            content = json_of(answer.context)
            received = content_hash(content)
        if received != pointer.hash:
            raise ContextHashMismatch(
                f"What arrived from {context_ref} is not what was recorded",
                {"expected": pointer.hash, "received": received},
            )
        ref = pointer.context_ref or context_ref
        return Context(content, ref=ref, content_hash=received, version=pointer.version)

    async def _elsewhere(self, reference: state_pb2.StateReference) -> tuple[dict[str, Any], str]:
        scheme = urlsplit(reference.state_ref).scheme
        resolve = self.resolvers.get(scheme)
        if resolve is None:
            raise NoResolver(
                f"No resolver for {scheme}:// is registered here",
                {"state_ref": reference.state_ref},
            )
        content = await _resolved(resolve, reference)
        named = {
            "state_ref": reference.state_ref,
            "hash": reference.hash,
            "owner": reference.owner,
        }
        return {"data_references": [named]}, bytes_hash(content)
