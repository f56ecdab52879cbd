"""``phoenix-dma effects``: what tasks did outside the runtime, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

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
)
from phoenix_dma.listing import Listing
from phoenix_dma.v1 import assignment_pb2, effect_pb2
from phoenix_dma.wire.conversions import json_of, short, shown_time

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

Status = Annotated[list[str] | None, typer.Option(help=states(assignment_pb2.EffectStatus))]

group = typer.Typer(invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="effects")


@group.callback()
def effects(
    context: typer.Context, last: LastOption = 50, output: OutputOption = Output.TABLE
) -> None:
    """List effects of which nobody knows whether they were done, or list and show others.

    phoenix-dma effects list --task task.customer-review.8841
    """
    if context.invoked_subcommand is None:
        list_them(status=["unknown"], task="", last=last, output=output)


@group.command("list")
def list_them(
    status: Status = None,
    task: Annotated[str, typer.Option(help="Only of this task.")] = "",
    last: LastOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List effects, those begun last at the end.

    phoenix-dma effects list --status unknown --status begun
    """
    request = effect_pb2.ListEffectsRequest(
        statuses=[word(assignment_pb2.EffectStatus, name, "--status") for name in status or ()],
        task_id=task,
    )

    async def ask(client: AsyncPhoenixClient) -> Listing[assignment_pb2.Effect]:
        method = client.api.stubs.effects.ListEffects
        return await client.api.listing(method, request, "effects", last)

    found = call_runtime(ask, output)
    columns = ("effect", "status", "action", "task", "begun by", "begun", "why")
    empty = "no outcome is unknown" if status == ["unknown"] else "no effect matches"
    print_listing(found, output, columns, _row, empty=empty)


@group.command()
def show(
    effect: Annotated[str, typer.Argument(help="The effect's id, authorization.….")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one effect: what was done, by whom, and what came of it."""

    async def ask(client: AsyncPhoenixClient) -> assignment_pb2.Effect:
        request = effect_pb2.GetEffectRequest(authorization_id=effect)
        answer = await client.api.ask(client.api.stubs.effects.GetEffect, request)
        return answer.effect

    found = call_runtime(ask, output)
    if output is Output.JSON:
        print_json(found)
        return
    _show(found)


def _row(one: assignment_pb2.Effect) -> tuple[object, ...]:
    status = short(assignment_pb2.EffectStatus, one.status)
    begun = shown_time(one.begin_time)
    by = one.participant_id
    return (one.authorization_id, status, one.name, one.task_id, by, begun, Prose(one.why))


def _show(one: assignment_pb2.Effect) -> None:
    recorded = shown_time(one.record_time) if one.HasField("record_time") else ""
    print_facts(
        [
            ("effect", one.authorization_id),
            ("status", short(assignment_pb2.EffectStatus, one.status)),
            ("action", one.name),
            ("kind", short(assignment_pb2.ActionKind, one.kind)),
            ("domain", one.domain),
            ("task", one.task_id),
            ("begun", f"{one.begun} ×, last by {one.participant_id}, {shown_time(one.begin_time)}"),
            ("idempotent", "yes" if one.idempotent else "no"),
            ("approval", one.approval_id),
            ("recorded by", one.recorded_by),
            ("recorded", recorded),
            ("why", one.why),
            ("content hash", one.subject_hash),
        ]
    )
    say("content", strong=True)
    print_json(json_of(one.subject))
    if one.HasField("outcome"):
        say("outcome", strong=True)
        print_json(json_of(one.outcome))
