"""Reading contexts, and proving what was received."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from phoenix_dma.aio.office import Office
from phoenix_dma.canonical import bytes_hash, content_hash
from phoenix_dma.context import Context
from phoenix_dma.errors import ContextHashMismatch, PhoenixError
from phoenix_dma.plain import json_of
from phoenix_dma.v1 import state_pb2

Resolver = Callable[[state_pb2.StateReference], bytes | Awaitable[bytes]]
"""Fetches state that lives elsewhere; the SDK hashes what it returns."""


class NoResolver(PhoenixError):
    """The context lives elsewhere and nobody here knows how to get at it; facts: state_ref."""

    reason = "NO_RESOLVER"
    remedy = "Register one: client.resolver(scheme)(function)."


class Reader:
    """Reads by ``phoenix://`` address with the participant's own right to read."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.resolvers: dict[str, Resolver] = {}

    async def read(self, context_ref: str, *, offer_id: str = "") -> Context:
        """The content at ``context_ref``, its hash recomputed over what arrived.

        By reference: ``{"data_references": […]}``, once the bytes elsewhere have the hash that
        their writer attested. Raises `ContextHashMismatch`, `NoResolver`, or the house's refusal.
        """
        request = state_pb2.GetContextRequest(context_ref=context_ref, offer_id=offer_id)
        answer = await self._office.ask(self._office.stubs.state.GetContext, request)
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
        found = resolve(reference)
        content = await found if inspect.isawaitable(found) else found
        named = {
            "state_ref": reference.state_ref,
            "hash": reference.hash,
            "owner": reference.owner,
        }
        return {"data_references": [named]}, bytes_hash(content)
