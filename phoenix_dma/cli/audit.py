"""``phoenix-dma audit`` and ``lineage``: what happened, who did it, which decision allowed it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any

import typer
from google.protobuf import timestamp_pb2

from phoenix_dma.cli.calls import call_runtime
from phoenix_dma.cli.follow import follow
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    bad,
    fitted,
    print_json,
    print_listing,
    print_more,
    say,
)
from phoenix_dma.cli.verify import verify
from phoenix_dma.v1 import audit_pb2
from phoenix_dma.wire.conversions import json_of, shown_time, time_from, time_of, timestamp

Participant = Annotated[str, typer.Option(help="Only about this participant.")]
Task = Annotated[str, typer.Option(help="Only about this task.")]
Kind = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only this type, such as TASK_FAILED. Repeatable."),
]
Decision = Annotated[
    str, typer.Option(help="Only what rests on this decision of policy, by its id.")
]
Handoff = Annotated[str, typer.Option(help="Only about this handoff.")]
Correlation = Annotated[str, typer.Option(help="Only with this correlation id.")]
Since = Annotated[str, typer.Option(help="Only from then on, such as 2026-06-13T21:00Z.")]
Until = Annotated[str, typer.Option(help="Only before then, with a time zone, too.")]
After = Annotated[int, typer.Option(help="Only after the event with this number (seq).", min=0)]
LARGEST = (1 << 63) - 1
"""The largest number that an event can have."""
Following = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on with what happens; Ctrl-C ends it.")
]
Full = Annotated[
    bool,
    typer.Option(
        "--full", help="Everything that an event says: its decision, its details, texts uncut."
    ),
]
LINEAGE_INDENT = 9
"""The columns before a detail of an event of a child, and the space behind the detail's name."""
COLUMNS = ("seq", "time", "event", "actor", "about", "change", "why")

group = typer.Typer(invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group.command()(verify)
    app.add_typer(group, name="audit")
    app.command()(lineage)


@group.callback()
def audit(
    context: typer.Context,
    participant: Participant = "",
    task: Task = "",
    kind: Kind = None,
    decision: Decision = "",
    handoff: Handoff = "",
    correlation: Correlation = "",
    since: Since = "",
    until: Until = "",
    after: After = 0,
    last: LastOption = 200,
    following: Following = False,
    full: Full = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Read what happened, newest last, or verify that the record is complete.

    phoenix-dma audit --task task.review.8841 --type HANDOFF_COMPLETED

    phoenix-dma audit --type TASK_FAILED --full

    phoenix-dma audit --last 20 --follow
    """
    if context.invoked_subcommand is not None:
        return
    if after > LARGEST:
        raise bad(f"{after} is out of range: at most {LARGEST}", "--after")
    request = audit_pb2.ListAuditEventsRequest(
        participant=participant,
        task=task,
        type=[name.upper() for name in kind or ()],
        policy_decision=decision,
        handoff=handoff,
        correlation_id=correlation,
        since=_moment(since, "--since"),
        until=_moment(until, "--until"),
        after_sequence=after,
    )
    _print_newest(request, last, output, full=full, following=following)


def lineage(
    task: Annotated[str, typer.Argument(help="The task's id.")],
    full: Full = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print every event of a task and its children, with actor and decision, in order.

    On a terminal a text that is longer than the line is cut, unless `--full` is given.
    """
    found = call_runtime(lambda client: client.api.lineage(task), output)
    if output is Output.JSON:
        print_json(found)
        return
    for text, strong in lineage_lines(task, found, whole if full else fitted):
        say(text, strong=strong)


Shown = Callable[[str, int], str]
"""Makes one line of a text for a place that begins in that column."""


def whole(text: str, used: int = 0) -> str:
    """The text as it was stored; `say` spells its line ends out."""
    del used
    return text


def lineage_lines(
    task: str, events: Sequence[audit_pb2.AuditEvent], shown: Shown = fitted
) -> Iterator[tuple[str, bool]]:
    """The timeline of ``task``, with the events of its children where they happened.

    Each line comes with whether it begins the events of another task.
    """
    correlation = events[0].correlation_id if events else "no event yet"
    yield f"{task}  {correlation}", True
    about, indent = task, "  "
    for event in events:
        whose = event.task or about
        if whose != about:
            about = whose
            indent = "  " if whose == task else "    "
            yield f"{indent[2:]}{whose}", True
        yield indent + _event_line(event), False
        for line in fact_lines(event, shown):
            yield f"{indent}    {line}", False


def event_lines(event: audit_pb2.AuditEvent) -> Iterator[str]:
    """One event outside of a table, with everything that it says."""
    yield "  ".join(str(part) for part in row(event) if part)
    yield from (f"    {line}" for line in fact_lines(event, whole))


def fact_lines(event: audit_pb2.AuditEvent, shown: Shown = fitted) -> list[str]:
    """The decision, reason, details and references of an event, one line each."""
    lines = []
    decision = json_of(event.policy_decision)
    if decision:
        because = "; ".join(reason.get("text", "") for reason in decision.get("reasons", []))
        said = f"{decision.get('decision_id', '')} {decision.get('effect', '')}: {because}"
        lines.append(f"decision {said.strip(': ')}")
    if event.reason_code:
        lines.append(f"because {event.reason_code}")
    for name, value in sorted(json_of(event.detail).items()):
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            lines.append(f"{name} {shown(str(value), LINEAGE_INDENT + len(name))}")
        elif value and shown is whole:
            lines.append(f"{name} {json.dumps(value, ensure_ascii=False)}")
    lines += [f"in  {reference}" for reference in event.input_references]
    lines += [f"out {reference}" for reference in event.output_references]
    return lines


def row(event: audit_pb2.AuditEvent) -> tuple[Any, ...]:
    """An event as a row of `COLUMNS`."""
    when = shown_time(event.timestamp)
    about = event.task or event.participant or event.aggregate
    return (event.sequence, when, event.type, event.actor, about, _change(event), event.reason_code)


def _print_newest(
    request: audit_pb2.ListAuditEventsRequest,
    last: int,
    output: Output,
    *,
    full: bool,
    following: bool,
) -> None:
    newest = audit_pb2.ListAuditEventsRequest(newest_first=True)
    newest.MergeFrom(request)
    if following:
        lines = event_lines if full else first_line
        call_runtime(lambda client: follow(client.api, newest, last, output, lines), output)
        return
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.audit.ListAuditEvents, newest, "events", last
        ),
        output,
    )
    if full and output is Output.TABLE and found.items:
        for text in (line for event in found.items for line in event_lines(event)):
            say(text)
        print_more(found)
        return
    print_listing(found, output, COLUMNS, row, empty="no event matches")


def first_line(event: audit_pb2.AuditEvent) -> Iterable[str]:
    """One event outside of a table, on one line."""
    return list(event_lines(event))[:1]


def _event_line(event: audit_pb2.AuditEvent) -> str:
    when = time_of(event.timestamp).strftime("%H:%M:%S.%f")[:-3]
    change = _change(event)
    return f"{when}  {event.type}{'  ' + change if change else ''}  by {event.actor}"


def _change(event: audit_pb2.AuditEvent) -> str:
    return f"{event.previous_state or '·'} → {event.new_state}" if event.new_state else ""


def _moment(text: str, option: str) -> timestamp_pb2.Timestamp | None:
    if not text:
        return None
    try:
        return timestamp(time_from(text, option), option)
    except ValueError as error:
        raise bad(str(error), option) from error
