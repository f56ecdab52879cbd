"""Taking a task over: read what is offered, prove it, accept what is owed (paper, Algorithm 5)."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_dma.aio.office import Office
from phoenix_dma.aio.reading import NoResolver, Reader
from phoenix_dma.aio.task import accepted
from phoenix_dma.context import Context
from phoenix_dma.errors import ContextHashMismatch
from phoenix_dma.v1 import assignment_pb2, handoff_pb2
from phoenix_dma.v1.session_pb2 import Directive


@dataclass(frozen=True, slots=True)
class Received:
    """A task that is ours now, and the context that we proved to have received."""

    briefing: assignment_pb2.TaskBriefing
    context: Context


async def receive(
    office: Office,
    reader: Reader,
    directive: Directive,
    task: assignment_pb2.Task,
    *,
    able: bool,
) -> Received | None:
    """Complete the offered handoff; None where it was declined, with the reason, instead.

    Declined are offers that nothing here can work on, and contexts that did not arrive as they were
    recorded. Raises `OfferLapsed` and other refusals of the house.
    """
    if not able:
        await _decline(office, directive, "nothing here can work on it")
        return None
    ref = f"phoenix://context/{directive.task_id}"
    try:
        context = await reader.read(ref, offer_id=directive.offer_id)
    except (ContextHashMismatch, NoResolver) as error:
        await _decline(office, directive, f"{error.reason}: {error.text}")
        return None
    request = handoff_pb2.CompleteHandoffRequest(
        handoff_id=directive.handoff_id,
        offer_id=directive.offer_id,
        received_hash=context.hash,
        accepted_obligations=accepted(task.obligations),
    )
    answer = await office.ask(office.stubs.handoffs.CompleteHandoff, request)
    return Received(answer.briefing, context)


async def _decline(office: Office, directive: Directive, reason: str) -> None:
    request = handoff_pb2.DeclineHandoffRequest(
        handoff_id=directive.handoff_id, offer_id=directive.offer_id, reason=reason
    )
    await office.ask(office.stubs.handoffs.DeclineHandoff, request)
