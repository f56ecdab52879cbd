"""Builds a task's dossier from all services; what is missing is named with its reason."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from google.protobuf.message import Message

from gateway.aggregate.sources import DossierSources
from phoenix_dma.v1 import assignment_pb2, common_pb2, gateway_pb2
from phoenix_dma.wire.sizes import MESSAGE_BYTES
from phoenix_runtime.core.errors import Refused, TooLarge
from phoenix_runtime.core.principal import Call

log = structlog.get_logger(__name__)
LARGEST = MESSAGE_BYTES - (64 << 10)
"""Bytes of a dossier, but for the reasons why parts are missing."""
FRAME_BYTES = 8
"""What a field takes around a message."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that could not be read, and the refusal that says why."""

    part: str
    refused: Refused


class AggregateTaskDossier:
    """Asks every service concurrently; only the task itself has to be readable."""

    def __init__(self, sources: DossierSources) -> None:
        self._sources = sources

    async def __call__(self, call: Call, task_id: str) -> gateway_pb2.GetTaskDossierResponse:
        """Return the dossier of ``task_id``; raises what reading the task itself raises."""
        parts = {
            name: asyncio.create_task(_part(name, ask(call, task_id)))
            for name, ask in self._sources.parts().items()
        }
        try:
            task = await self._sources.task(call, task_id)
            dossier = gateway_pb2.GetTaskDossierResponse(task=task)
            await self._add_holder(call, task, dossier)
            for name, asked in parts.items():
                found = await asked
                if isinstance(found, Missing):
                    dossier.missing.append(_missing_to_pb(found))
                else:
                    add_part(dossier, name, found)
        finally:
            await _cancel(parts.values())
        return dossier

    async def _add_holder(
        self,
        call: Call,
        task: assignment_pb2.Task,
        dossier: gateway_pb2.GetTaskDossierResponse,
    ) -> None:
        """Add the participant that holds the task, if there is one."""
        if not task.HasField("assignment"):
            return
        participant_id = task.assignment.participant_id
        found = await _part("participant", self._sources.participant(call, participant_id))
        if isinstance(found, Missing):
            dossier.missing.append(_missing_to_pb(found))
        else:
            dossier.participant.CopyFrom(found)


async def _cancel(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel open questions: the task itself could not be read, or the caller disconnected."""
    cancelled = list(tasks)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)


async def _part(name: str, asked: Awaitable[T]) -> T | Missing:
    """Return the answer, or why it is missing."""
    try:
        return await asked
    except Refused as refused:
        log.info("dossier_part_missing", part=name, reason=refused.reason)
        return Missing(name, refused)


def add_part(
    dossier: gateway_pb2.GetTaskDossierResponse, name: str, found: Sequence[Message]
) -> None:
    """Put a part into its field, as much of it as the answer may still hold."""
    room = LARGEST - dossier.ByteSize()
    for number, item in enumerate(found):
        room -= item.ByteSize() + FRAME_BYTES
        if room < 0:
            text = f"The answer is full: {number} of {len(found)} {name} are in it"
            refused = TooLarge("answer", size=LARGEST - room, limit=LARGEST)
            refused.text = f"{text}; list them page by page"
            dossier.missing.append(_missing_to_pb(Missing(name, refused)))
            return
        getattr(dossier, name).append(item)


def _missing_to_pb(missing: Missing) -> gateway_pb2.MissingPart:
    reasons = common_pb2.ErrorReason.DESCRIPTOR.values_by_name
    reason = reasons.get(f"ERROR_REASON_{missing.refused.reason}")
    return gateway_pb2.MissingPart(
        part=missing.part,
        reason=common_pb2.ERROR_REASON_INTERNAL if reason is None else reason.number,  # type: ignore[arg-type]  # a number of that enum
        message=missing.refused.text,
    )
