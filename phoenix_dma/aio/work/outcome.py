"""Reports how a handler ended: completed, failed, or to be handed off."""

from __future__ import annotations

import asyncio
from typing import Any

from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.aio.work.failure import (
    is_input_at_fault,
    is_retryable,
    message_of,
    plain_message_of,
)
from phoenix_dma.aio.work.held_calls import while_held
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.errors import (
    AssignmentLost,
    IllegalTransition,
    NotFound,
    NotPermitted,
    PhoenixError,
    TaskFailure,
)
from phoenix_dma.log import EventLog
from phoenix_dma.v1 import assignment_pb2, handoff_pb2
from phoenix_dma.wire.json_values import json_value

log = EventLog(__name__)
POLL_SECONDS = 1.0
NOT_MOVED = frozenset({handoff_pb2.HANDOFF_STATUS_DENIED, handoff_pb2.HANDOFF_STATUS_ABORTED})


async def complete(
    session: ParticipantSession, task: AsyncTask, result: Any
) -> assignment_pb2.Task:
    """Complete with what the handler returned; a value that is no object goes under ``value``.

    Raises `PhoenixError` where the runtime refuses, `NotJson` for what has no form in JSON.
    """
    found = {} if result is None else json_value(result, "result")
    await while_held(task.lease, task.id, task.record_decisions)
    request = assignment_pb2.CompleteTaskRequest(task_id=task.id, epoch=task.epoch)
    request.result.update(found if isinstance(found, dict) else {"value": found})
    answer = await _ask_while_held(session, task, session.stubs.assignment.CompleteTask, request)
    ended: assignment_pb2.Task = answer.task
    return ended


async def fail(
    session: ParticipantSession, task: AsyncTask, error: BaseException
) -> assignment_pb2.Task | None:
    """Report that the attempt failed; None where the task is not held any more.

    Where the report itself is refused, another in plain words takes its place, until it is taken:
    a task whose end nobody hears of keeps its seat.
    """
    request = assignment_pb2.FailTaskRequest(
        task_id=task.id,
        epoch=task.epoch,
        message=message_of(error),
        retryable=is_retryable(error),
        input_at_fault=is_input_at_fault(error),
    )
    backoff = Backoff(0.5, 30.0)
    while True:
        try:
            method = session.stubs.assignment.FailTask
            failed: assignment_pb2.Task = (
                await _ask_while_held(session, task, method, request)
            ).task
        except (AssignmentLost, IllegalTransition, NotFound, NotPermitted) as over:
            log.warning("task_over_already", task=task.id, error=over)
            return None
        except Exception as refused:  # whatever it is, the end has to be heard of
            log.exception("failure_report_refused", task=task.id)
            why = refused.reason if isinstance(refused, PhoenixError) else type(refused).__name__
            request.message = plain_message_of(error, why)
            request.request_id = ""  # another body is another request
        else:
            return failed
        await asyncio.sleep(backoff.next())


async def hand_over(session: ParticipantSession, task: AsyncTask, reason: str) -> None:
    """Start a handoff and hold the task until it moves; fail, retryable, where it cannot."""
    lost = asyncio.Event()
    task.lease.on_lost(lost.set)
    why = "nobody took it"
    try:
        await task.lease.settled()
        handoff = await task.hand_off(reason or "requested")
        while not task.lease.ended.is_set():
            request = handoff_pb2.GetHandoffRequest(handoff_id=handoff.handoff_id)
            found = await _ask_while_held(session, task, session.stubs.handoffs.GetHandoff, request)
            if found.handoff.status in NOT_MOVED:
                break
            await _within(lost, POLL_SECONDS)
    except AssignmentLost:
        return
    except PhoenixError as refused:
        log.warning("task_not_handed_off", task=task.id, error=refused)
        why = f"{refused.reason}: {refused.text}"
    if not task.lease.ended.is_set():
        text = f"no participant could take it over ({why}); it was handed off because: {reason}"
        await fail(session, task, TaskFailure(text, retryable=True))


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _ask_while_held(
    session: ParticipantSession, task: AsyncTask, method: Any, request: Any
) -> Any:
    """Call ``method``, as `while_held` does."""
    return await while_held(task.lease, task.id, lambda: session.ask(method, request))
