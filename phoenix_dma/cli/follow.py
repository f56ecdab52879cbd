"""Follows what happens: the audit as it grows, and one task until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from phoenix_dma.briefing import TaskInfo
from phoenix_dma.cli.output import Output, print_json_line, print_note, say, shortened
from phoenix_dma.errors import Unavailable
from phoenix_dma.v1 import audit_pb2

if TYPE_CHECKING:
    from phoenix_dma.aio.runtime_api import RuntimeApi

POLL_SECONDS: Final = 1.0
TASK_POLL_FIRST: Final = 0.05
LONGEST_WHY: Final = 100
"""Characters of a failure in a line of progress; `tasks show` has the whole text."""

Lines = Callable[[audit_pb2.AuditEvent], Iterable[str]]
"""The lines of one event: what comes next is not known, so there are no columns."""


async def follow(
    api: RuntimeApi,
    newest: audit_pb2.ListAuditEventsRequest,
    last: int,
    output: Output,
    lines: Lines,
) -> None:
    """Print the ``last`` newest events, then each one that is recorded, until interrupted.

    It goes on from the last sequence that it printed, also after a runtime that was away.
    """
    import asyncio  # noqa: PLC0415  # the help of `audit` waits for this module

    found = await api.listing(api.stubs.audit.ListAuditEvents, newest, "events", last)
    request = audit_pb2.ListAuditEventsRequest()
    request.CopyFrom(newest)
    request.newest_first, request.with_total, request.page_token = False, False, ""
    events: Sequence[audit_pb2.AuditEvent] = found.items
    away = False
    while True:
        for event in events:
            _print_event(event, output, lines)
            request.after_sequence = event.sequence
        await asyncio.sleep(POLL_SECONDS)
        try:
            events = await api.pages(api.stubs.audit.ListAuditEvents, request, "events", None)
        except Unavailable as error:
            if not away:
                print_note(f"{error.text}; going on after {request.after_sequence} once it is back")
            away, events = True, ()
        else:
            away = False
        request.page_token = ""


def _print_event(event: audit_pb2.AuditEvent, output: Output, lines: Lines) -> None:
    if output is Output.JSON:
        print_json_line(event)
        return
    for line in lines(event):
        say(line)


async def follow_task(api: RuntimeApi, task: TaskInfo) -> TaskInfo:
    """Return ``task`` once it has ended; meanwhile its progress goes to standard error."""
    import asyncio  # noqa: PLC0415  # the help of `submit` waits for this module

    print_note(f"{task.id} is submitted")
    said = ""
    delay = TASK_POLL_FIRST
    found = task
    try:
        while True:
            now = progress_of(found)
            if now != said:
                print_note(f"  {now}")
                said = now
            if found.ended:
                return found
            await asyncio.sleep(delay)
            delay = min(POLL_SECONDS, delay * 1.5)
            found = await api.get_task(task.id)
    except (asyncio.CancelledError, Unavailable):
        print_note(f"{task.id} goes on without you: phoenix-dma tasks show {task.id}")
        raise


def progress_of(task: TaskInfo) -> str:
    """Where a task stands, in one line: its state, who has it, what it waits for."""
    message = task.message
    parts = [task.status]
    if task.participant:
        parts.append(f"held by {task.participant}")
    if task.attempt > 1:
        parts.append(f"attempt {task.attempt} of {message.max_attempts}")
    if task.reason:
        said = f": {shortened(' '.join(task.why.split()), LONGEST_WHY)}" if task.why else ""
        parts.append(f"because {task.reason}{said}")
    if message.HasField("parked") and not task.ended:
        approval = message.parked.approval_id
        parts.append(f"waits for a human: phoenix-dma approvals show {approval}")
    if message.handoff_id and not task.ended:
        parts.append(f"moving by {message.handoff_id}")
    return ", ".join(parts)
