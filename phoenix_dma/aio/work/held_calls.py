"""Calls of whoever holds a task: refused at once where it is lost, repeated while it is held."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.aio.rpc.transport import is_unreachable
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.aio.work.task_lease import TaskLease
from phoenix_dma.errors import AssignmentLost, PhoenixError, QuotaExceeded
from phoenix_dma.log import EventLog

Answer = TypeVar("Answer")

log = EventLog(__name__)
BUSY_TRIES: Final = 5
"""After so many answers of INTERNAL or a quota a call is given up: waiting may never help."""


async def held_call(
    session: ParticipantSession, lease: TaskLease, method: Any, request: Any
) -> Any:
    """Call; a stale epoch ends the lease, so that every later call is refused at once."""
    lease.require()
    try:
        return await session.ask(method, request)
    except AssignmentLost as lost:
        lease.lose(lost.text)
        raise


async def while_held(lease: TaskLease, what: str, call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call until the runtime takes or refuses it, as long as the task ``what`` is held.

    A handler that was executed is not executed again because a runtime was away or busy.
    """
    backoff, busy = Backoff(0.5, 5.0), 0
    while True:
        await lease.settled()
        lease.require()
        try:
            return await call()
        except PhoenixError as error:
            busy += _is_busy(error)
            if isinstance(error, AssignmentLost):
                lease.lose(error.text)
            if not (is_unreachable(error) or (_is_busy(error) and busy < BUSY_TRIES)):
                raise
            log.info("task_report_delayed", task=what, error=error)
        await asyncio.sleep(backoff.next())


def _is_busy(error: PhoenixError) -> bool:
    """Whether the same call may be taken a moment later, although it was answered."""
    return type(error) is PhoenixError or isinstance(error, QuotaExceeded)
