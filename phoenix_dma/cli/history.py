"""``phoenix-dma handoffs``, ``retirements`` and ``checkpoints``: what moved, left and was kept."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix_dma.cli.calls import call_runtime, states, word
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    Prose,
    counted,
    print_listing,
)
from phoenix_dma.v1 import common_pb2, handoff_pb2, state_pb2
from phoenix_dma.wire.conversions import short, shown_time


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(handoffs)
    app.command()(retirements)
    app.command()(checkpoints)


def handoffs(
    task: Annotated[str, typer.Option(help="Only of this task.")] = "",
    participant: Annotated[str, typer.Option(help="Only from or to this participant.")] = "",
    status: Annotated[
        list[str] | None, typer.Option(help=states(handoff_pb2.HandoffStatus))
    ] = None,
    last: LastOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List handoffs, newest last.

    phoenix-dma handoffs --task task.customer-merge-review.8841
    """
    request = handoff_pb2.ListHandoffsRequest(
        task_id=task,
        participant_id=participant,
        statuses=[word(handoff_pb2.HandoffStatus, name, "--status") for name in status or ()],
    )
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.handoffs.ListHandoffs, request, "handoffs", last
        ),
        output,
    )
    columns = ("handoff", "begun", "status", "task", "from", "to", "reason")
    print_listing(found, output, columns, _handoff, empty="no handoff matches")


def retirements(
    participant: Annotated[str, typer.Option(help="Only of this participant.")] = "",
    status: Annotated[
        list[str] | None, typer.Option(help=states(handoff_pb2.RetirementStatus))
    ] = None,
    last: LastOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List retirements and what became of the tasks, newest last."""
    request = handoff_pb2.ListRetirementsRequest(
        participant_id=participant,
        statuses=[word(handoff_pb2.RetirementStatus, name, "--status") for name in status or ()],
    )
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.handoffs.ListRetirements, request, "retirements", last
        ),
        output,
    )
    columns = ("retirement", "begun", "status", "participant", "mode", "tasks")
    print_listing(found, output, columns, _retirement, empty="no retirement matches")


def checkpoints(
    task: Annotated[str, typer.Argument(help="The task's id.")],
    last: LastOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the recorded contexts of a task, newest last."""
    request = state_pb2.ListCheckpointsRequest(task_id=task)
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.state.ListCheckpoints, request, "checkpoints", last
        ),
        output,
    )
    columns = ("context", "version", "recorded", "by", "epoch", "bytes", "hash")
    print_listing(found, output, columns, _checkpoint, empty="it has recorded no context")


def _handoff(one: handoff_pb2.Handoff) -> tuple[object, ...]:
    status = short(handoff_pb2.HandoffStatus, one.status)
    begun = shown_time(one.create_time)
    return (one.handoff_id, begun, status, one.task_id, one.source, one.target, Prose(one.reason))


def _retirement(one: handoff_pb2.Retirement) -> tuple[object, ...]:
    status = short(handoff_pb2.RetirementStatus, one.status)
    mode = short(handoff_pb2.RetirementMode, one.mode)
    tasks = counted(len(one.outcomes), "task")
    return (one.retirement_id, shown_time(one.create_time), status, one.participant_id, mode, tasks)


def _checkpoint(one: common_pb2.ContextPointer) -> tuple[object, ...]:
    recorded = shown_time(one.record_time) if one.HasField("record_time") else ""
    size = "by reference" if one.by_reference else one.size_bytes
    return (
        one.context_ref,
        one.version,
        recorded,
        one.participant_id,
        one.epoch,
        size,
        one.hash,
    )
