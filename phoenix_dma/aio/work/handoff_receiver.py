"""Takes a task over: reads the offered context, proves it, accepts obligations (Algorithm 5)."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_dma.aio.work.actions import open_obligations
from phoenix_dma.aio.work.context_reader import ContextReader, NoResolver, ResolverFailed
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.context import Context
from phoenix_dma.errors import ContextHashMismatch
from phoenix_dma.v1 import assignment_pb2, handoff_pb2
from phoenix_dma.v1.session_pb2 import Directive
from phoenix_dma.wire.reported_text import LONGEST_REASON, reported


@dataclass(frozen=True, slots=True)
class Received:
    """A task that was taken over, and the context whose hash was verified."""

    briefing: assignment_pb2.TaskBriefing
    context: Context


class HandoffReceiver:
    """Completes or declines the handoffs that are offered to one participant."""

    def __init__(self, session: ParticipantSession, reader: ContextReader) -> None:
        self._session = session
        self._reader = reader

    async def receive(
        self, directive: Directive, task: assignment_pb2.Task, *, able: bool
    ) -> Received | None:
        """Complete the offered handoff; None where it was declined instead.

        ``able`` is false where no handler here takes the task. Declined, with the reason, are those
        offers and contexts that did not arrive as they were recorded. Raises `OfferLapsed` and
        other refusals of the runtime.
        """
        if not able:
            await self._decline(directive, "no handler here takes it")
            return None
        ref = f"phoenix://context/{directive.task_id}"
        try:
            context = await self._reader.read(ref, offer_id=directive.offer_id)
        except (ContextHashMismatch, NoResolver, ResolverFailed) as error:
            await self._decline(directive, f"{error.reason}: {error.text}")
            return None
        request = handoff_pb2.CompleteHandoffRequest(
            handoff_id=directive.handoff_id,
            offer_id=directive.offer_id,
            received_hash=context.hash,
            accepted_obligations=open_obligations(task.obligations),
        )
        method = self._session.stubs.handoffs.CompleteHandoff
        answer = await self._session.ask(method, request)
        return Received(answer.briefing, context)

    async def _decline(self, directive: Directive, reason: str) -> None:
        request = handoff_pb2.DeclineHandoffRequest(
            handoff_id=directive.handoff_id,
            offer_id=directive.offer_id,
            reason=reported(reason, LONGEST_REASON),
        )
        await self._session.ask(self._session.stubs.handoffs.DeclineHandoff, request)
