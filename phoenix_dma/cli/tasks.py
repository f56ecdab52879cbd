"""``phoenix-dma tasks`` and ``handoff``: tasks, their owners, and their handoffs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from phoenix_dma.briefing import TaskInfo, task_info
from phoenix_dma.cli.calls import call_runtime, states, word
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    Prose,
    print_facts,
    print_json,
    print_listing,
    say,
    say_whole,
)
from phoenix_dma.v1 import assignment_pb2, common_pb2, handoff_pb2
from phoenix_dma.wire.conversions import message_to_dict, short

Id = Annotated[str, typer.Argument(help="The task's id.")]

Status = Annotated[list[str] | None, typer.Option(help=states(assignment_pb2.TaskStatus))]

group = typer.Typer(invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="tasks")
    app.command()(handoff)


@group.callback()
def tasks(
    context: typer.Context, last: LastOption = 50, output: OutputOption = Output.TABLE
) -> None:
    """List tasks, or show or cancel one.

    phoenix-dma tasks list --status pending
    """
    if context.invoked_subcommand is None:
        list_them(status=None, participant="", last=last, output=output)


@group.command("list")
def list_them(
    status: Status = None,
    participant: Annotated[str, typer.Option(help="Only those that this participant holds.")] = "",
    last: LastOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List tasks, newest last."""
    request = assignment_pb2.ListTasksRequest(
        statuses=[word(assignment_pb2.TaskStatus, name, "--status") for name in status or ()],
        participant_id=participant,
    )
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.assignment.ListTasks, request, "tasks", last
        ),
        output,
    )
    columns = ("task", "status", "held by", "epoch", "attempt", "objective")
    print_listing(found, output, columns, _row, empty="no task matches")


@group.command()
def show(task: Id, output: OutputOption = Output.TABLE) -> None:
    """Show one task: its owner, why it failed, what it waits for."""
    found = call_runtime(lambda client: client.api.get_task(task), output)
    if output is Output.JSON:
        print_json(found.message)
    else:
        show_task(found)


@group.command()
def cancel(
    task: Id,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """End a task without a result, its open children with it."""
    found = call_runtime(lambda client: client.api.cancel(task, reason), output)
    if output is Output.JSON:
        print_json(found.message)
    else:
        say(f"{found.id} is {found.status}")


def handoff(
    task: Id,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")] = "requested",
    output: OutputOption = Output.TABLE,
) -> None:
    """Start a governed handoff of a task to another participant."""
    found = call_runtime(lambda client: client.api.hand_off(task, reason=reason), output)
    if output is Output.JSON:
        print_json(found)
        return
    state = short(handoff_pb2.HandoffStatus, found.status)
    say(f"{found.handoff_id} of {found.task_id} from {found.source} is {state}")


def show_task(task: TaskInfo) -> None:
    """Print a task for people."""
    message = task.message
    pointer = message.last_checkpoint
    facts: list[tuple[str, Any]] = [
        ("task", task.id),
        ("objective", message.objective),
        ("status", task.status),
        ("reason", task.reason),
        ("why", task.why if "\n" not in task.why else ""),
        ("held by", task.participant),
        ("epoch", task.epoch),
        ("attempt", f"{task.attempt} of {message.max_attempts}"),
        ("losses", _losses(message)),
        ("requires", ", ".join(message.required_capabilities)),
        ("domains", ", ".join(message.data_domains)),
        ("risk", short(common_pb2.RiskLevel, message.risk_level)),
        ("constraints", ", ".join(message.policy_constraints)),
        ("parent", message.parent_task_id),
        ("correlation", task.correlation_id),
        ("handoff", message.handoff_id),
    ]
    if message.HasField("last_checkpoint"):
        facts.append(("newest context", f"{pointer.context_ref}  {pointer.hash}"))
    if message.HasField("parked"):
        facts.append(("waits for", f"{message.parked.approval_id} to {message.parked.action}"))
    print_facts(facts)
    if "\n" in task.why:
        say("why", strong=True)
        say_whole(task.why, "  ")
    for obligation in message.obligations:
        say(f"obligation {obligation.id} ({obligation_mark(obligation)}): {obligation.text}")
    if task.result is not None:
        say("result", strong=True)
        print_json(message_to_dict(message)["result"])


def obligation_mark(obligation: common_pb2.Obligation) -> str:
    """Whether an obligation is met and by what, or what would meet it."""
    if obligation.fulfilled:
        return f"met by {obligation.evidence}" if obligation.evidence else "met"
    if obligation.due == "always":
        return "holds until the task ends"
    if obligation.met_by == "approval":
        wanted = f"a human's approval of {obligation.action}, used"
    else:
        wanted = "a decision in the context that names it"
    return f"open, due {obligation.due}, met by {wanted}"


def _row(message: assignment_pb2.Task) -> tuple[object, ...]:
    task = task_info(message)
    status = task.status + (f" ({task.reason})" if task.reason else "")
    objective = Prose(message.objective)
    return (task.id, status, task.participant, task.epoch, task.attempt, objective)


def _losses(task: assignment_pb2.Task) -> str:
    """How often its owner was lost, and who they were; empty where nobody was."""
    if not task.losses:
        return ""
    limit = f" of {task.max_losses}" if task.max_losses else ""
    return f"{task.losses}{limit}: {', '.join(task.lost_owners)}"
