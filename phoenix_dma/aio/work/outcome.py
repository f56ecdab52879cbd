"""Reports how a handler ended: completed, failed, or to be handed off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.aio.rpc.transport import is_unreachable
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.errors import (
    AssignmentLost,
    FieldInvalid,
    PhoenixError,
    PolicyDenied,
    TaskFailure,
    TooLarge,
)
from phoenix_dma.v1 import assignment_pb2, handoff_pb2
from phoenix_dma.wire.conversions import struct_of

log = logging.getLogger(__name__)
LONGEST_MESSAGE = 2000
POLL_SECONDS = 1.0
NOT_MOVED = frozenset({handoff_pb2.HANDOFF_STATUS_DENIED, handoff_pb2.HANDOFF_STATUS_ABORTED})


async def complete(
    session: ParticipantSession, task: AsyncTask, result: Any
) -> assignment_pb2.Task:
    """Complete with what the handler returned; a value that is no object goes under ``value``.

    Raises `PhoenixError` where the runtime refuses, ValueError for what JSON cannot carry.
    """
    if result is None:
        result = {}
    elif not isinstance(result, Mapping):
        result = {"value": result}
    request = assignment_pb2.CompleteTaskRequest(
        task_id=task.id, epoch=task.epoch, result=struct_of(result), fulfilled_obligations=task.met
    )
    answer = await _ask_while_held(session, task, session.stubs.assignment.CompleteTask, request)
    ended: assignment_pb2.Task = answer.task
    return ended


async def fail(
    session: ParticipantSession, task: AsyncTask, error: BaseException
) -> assignment_pb2.Task | None:
    """Report that the attempt failed; None where the task is not held any more."""
    request = assignment_pb2.FailTaskRequest(
        task_id=task.id,
        epoch=task.epoch,
        message=_message(error)[:LONGEST_MESSAGE],
        retryable=_retryable(error),
    )
    try:
        answer = await _ask_while_held(session, task, session.stubs.assignment.FailTask, request)
    except PhoenixError as refused:
        log.warning("%s could not be failed: %s", task.id, refused)
        return None
    failed: assignment_pb2.Task = answer.task
    return failed


async def hand_over(session: ParticipantSession, task: AsyncTask, reason: str) -> None:
    """Start a handoff and hold the task until it moves; fail, retryable, where it cannot."""
    lost = asyncio.Event()
    task.lease.on_lost(lost.set)
    try:
        handoff = await task.hand_off(reason or "requested")
        while not task.lease.lost:
            request = handoff_pb2.GetHandoffRequest(handoff_id=handoff.handoff_id)
            found = await _ask_while_held(session, task, session.stubs.handoffs.GetHandoff, request)
            if found.handoff.status in NOT_MOVED:
                break
            await _within(lost, POLL_SECONDS)
    except AssignmentLost:
        return
    except PhoenixError as refused:
        log.warning("%s could not be handed off: %s", task.id, refused)
    if not task.lease.lost:
        await fail(session, task, TaskFailure("no participant could take it over", retryable=True))


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _ask_while_held(
    session: ParticipantSession, task: AsyncTask, method: Any, request: Any
) -> Any:
    """Call until the runtime can be reached, as long as the task is held: results are not lost."""
    backoff = Backoff(0.5, 5.0)
    while True:
        task.lease.require()
        try:
            return await session.ask(method, request)
        except PhoenixError as error:
            if isinstance(error, AssignmentLost):
                task.lease.lose(error.text)
            if not is_unreachable(error):
                raise
            log.info("%s: %s; trying again", task.id, error)
        await asyncio.sleep(backoff.next())


def _message(error: BaseException) -> str:
    text = str(error)
    return text if isinstance(error, TaskFailure) and text else f"{type(error).__name__}: {text}"


def _retryable(error: BaseException) -> bool:
    """Whether another attempt, perhaps elsewhere, may succeed: yes unless something says no."""
    if isinstance(error, TaskFailure):
        return error.retryable
    return not isinstance(error, PolicyDenied | FieldInvalid | TooLarge)
