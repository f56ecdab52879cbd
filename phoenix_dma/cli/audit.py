"""``phoenix-dma audit`` and ``lineage``: what happened, who did it, which decision allowed it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from google.protobuf import timestamp_pb2
from rich.tree import Tree

from phoenix_dma.cli.output import (
    Output,
    OutputOption,
    call_runtime,
    one_line,
    out,
    print_json,
    print_table,
)
from phoenix_dma.cli.verify import verify
from phoenix_dma.v1 import audit_pb2
from phoenix_dma.wire.conversions import json_of, time_of, timestamp

group = typer.Typer(
    help="What happened; whether the record is complete.", invoke_without_command=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group.command()(verify)
    app.add_typer(group, name="audit")
    app.command()(lineage)


@group.callback()
def audit(
    context: typer.Context,
    participant: Annotated[str, typer.Option(help="Only about this participant.")] = "",
    task: Annotated[str, typer.Option(help="Only about this task.")] = "",
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Only this type. Repeatable.")
    ] = None,
    decision: Annotated[str, typer.Option(help="Only resting on this decision.")] = "",
    handoff: Annotated[str, typer.Option(help="Only about this handoff.")] = "",
    correlation: Annotated[str, typer.Option(help="Only with this correlation id.")] = "",
    since: Annotated[str, typer.Option(help="Only from then on, such as 2026-06-13T21:00Z.")] = "",
    until: Annotated[str, typer.Option(help="Only before then.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many; 0 is all of them.", min=0)] = 200,
    output: OutputOption = Output.TABLE,
) -> None:
    """Read audit events, oldest first.

    phoenix-dma audit --task task.customer-merge-review.8841 --type HANDOFF_COMPLETED
    """
    if context.invoked_subcommand is not None:
        return
    request = audit_pb2.ListAuditEventsRequest(
        participant=participant,
        task=task,
        type=[name.upper() for name in kind or ()],
        policy_decision=decision,
        handoff=handoff,
        correlation_id=correlation,
        since=_moment(since, "--since"),
        until=_moment(until, "--until"),
    )
    found = call_runtime(lambda client: client.api.audit(request, limit=limit or None), output)
    if output is Output.JSON:
        print_json(found)
        return
    columns = ("seq", "time", "event", "actor", "about", "change", "why")
    print_table(columns, (_row(event) for event in found), empty="no event matches")


def lineage(
    task: Annotated[str, typer.Argument(help="The task's id.")], output: OutputOption = Output.TABLE
) -> None:
    """Print every event of a task and its children, with actor and decision, in order."""
    found = call_runtime(lambda client: client.api.lineage(task), output)
    if output is Output.JSON:
        print_json(found)
    else:
        out.print(tree_of(task, found))


def tree_of(task: str, events: Sequence[audit_pb2.AuditEvent]) -> Tree:
    """The timeline of ``task``, with the events of its children where they happened."""
    correlation = events[0].correlation_id if events else "no event yet"
    tree = Tree(f"[bold]{task}[/bold]  {correlation}")
    branch, about = tree, task
    for event in events:
        whose = event.task or about
        if whose != about or branch is None:
            about = whose
            branch = tree if whose == task else tree.add(f"[bold]{whose}[/bold]")
        _add_event(branch, event)
    return tree


def _add_event(branch: Tree, event: audit_pb2.AuditEvent) -> None:
    when = time_of(event.timestamp).strftime("%H:%M:%S.%f")[:-3]
    change = f"  {event.previous_state or '·'} → {event.new_state}" if event.new_state else ""
    leaf = branch.add(f"{when}  [bold]{event.type}[/bold]{change}  by {event.actor}")
    for line in fact_lines(event):
        leaf.add(line, style="dim")


def fact_lines(event: audit_pb2.AuditEvent) -> list[str]:
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
            lines.append(f"{name} {one_line(str(value), 100)}")
    lines += [f"in  {reference}" for reference in event.input_references]
    lines += [f"out {reference}" for reference in event.output_references]
    return [line.replace("[", "\\[") for line in lines]


def _row(event: audit_pb2.AuditEvent) -> tuple[Any, ...]:
    when = time_of(event.timestamp).strftime("%Y-%m-%d %H:%M:%S")
    change = f"{event.previous_state or '·'} → {event.new_state}" if event.new_state else ""
    about = event.task or event.participant or event.aggregate
    return (event.sequence, when, event.type, event.actor, about, change, event.reason_code)


def _moment(text: str, option: str) -> timestamp_pb2.Timestamp | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time: {error}", param_hint=option) from error
    return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
