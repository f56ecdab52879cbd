"""The newest context of a task that its handler has seen, and the checkpoints on top of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from phoenix_dma.aio.work.context_reader import ContextReader
from phoenix_dma.briefing import Checkpoint
from phoenix_dma.context import NOTHING, Context, document_of, with_decisions
from phoenix_dma.errors import ContextVersionConflict
from phoenix_dma.v1 import state_pb2
from phoenix_dma.wire.conversions import json_of, struct_of
from phoenix_dma.wire.json_values import json_value

Write = Callable[[state_pb2.CheckpointContextRequest], Awaitable[Checkpoint]]
"""Sends a checkpoint under the task's epoch."""


class NewestContext:
    """Reads and records in line: each checkpoint builds on the one before, whoever made it.

    Threads and tasks of one handler may call at the same time; only somebody else's checkpoint is a
    conflict.
    """

    def __init__(self, ref: str, version: int, reader: ContextReader, write: Write) -> None:
        self.version = version
        """The version of the newest context that was seen; 0 is the input."""
        self.known: Context | None = None
        self._ref = ref
        self._reader = reader
        self._write = write
        self.decisions: list[dict[str, Any]] = []
        """Entries that the next document records under ``decisions``, beside what is there."""
        self._in_line = asyncio.Lock()
        self._overtaken = False
        """True once somebody else's checkpoint was met, until it is read."""

    async def read(self) -> Context:
        """The newest context: as it is known here, or from the runtime."""
        async with self._in_line:
            return await self._newest()

    async def checkpoint(
        self, first: Mapping[str, Any], value: Any, kinds: Mapping[str, Any]
    ) -> Checkpoint:
        """Record a document; ``first`` is what the first one builds on.

        Raises `NotJson`, ValueError for an unknown kind, `ContextVersionConflict`.
        """
        # Taken as they are now: the handler may go on with them while others are recorded.
        plain = {kind: json_value(found, kind) for kind, found in kinds.items()}
        return await self._recorded(self._document, first, _as_it_is(value), plain)

    async def refer(self, request: state_pb2.CheckpointContextRequest) -> Checkpoint:
        """Record the address of state that is stored elsewhere."""
        return await self._recorded(self._reference, request)

    async def _recorded(
        self, record: Callable[..., Coroutine[Any, Any, Checkpoint]], *arguments: Any
    ) -> Checkpoint:
        """Record in line. What has begun ends, so that the version is known afterwards.

        A caller that is cancelled, by a timeout of its own, would otherwise not know whether its
        checkpoint was recorded, and the next one would conflict with it.
        """

        async def recording() -> Checkpoint:
            async with self._in_line:
                return await record(*arguments)

        return await asyncio.shield(asyncio.create_task(recording()))

    async def _document(
        self, first: Mapping[str, Any], value: Any, kinds: Mapping[str, Any]
    ) -> Checkpoint:
        new = tuple(self.decisions)
        document = with_decisions(document_of(await self._base(first), value, kinds), new)
        request = state_pb2.CheckpointContextRequest(context=struct_of(document, "context"))
        made = await self._sent(request)
        del self.decisions[: len(new)]
        self.known = Context(
            json_of(request.context),
            ref=made.context_ref,
            content_hash=made.hash,
            version=made.version,
        )
        return made

    async def _reference(self, request: state_pb2.CheckpointContextRequest) -> Checkpoint:
        made = await self._sent(request)
        self.known = None
        return made

    async def _sent(self, request: state_pb2.CheckpointContextRequest) -> Checkpoint:
        request.base_version = self.version
        try:
            made = await self._write(request)
        except ContextVersionConflict:
            self._overtaken = True
            raise
        self.version = made.version
        return made

    async def _base(self, first: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document that a checkpoint builds on."""
        if self._overtaken:
            return self.known or first  # a conflict until the handler has read the newer one
        if self.version > 0 or self.known is not None:
            known = await self._newest()
            if known.version > 0:
                return known
        return first

    async def _newest(self) -> Context:
        if self.known is None or self._overtaken:
            self.known = await self._reader.read(self._ref)
            self.version = self.known.version
            self._overtaken = False
        return self.known


def _as_it_is(value: Any) -> Any:
    """``value`` as JSON, in a copy; raises `NotJson`."""
    if value is NOTHING:
        return value
    if isinstance(value, Context):
        return Context(json_value(value, "context"), version=value.version)
    return json_value(value, "outputs")
