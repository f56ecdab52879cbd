"""``phoenix-dma approvals``: pending approvals, and the decisions of humans."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix_dma.cli.calls import call_runtime, word
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    one_line,
    print_facts,
    print_json,
    print_listing,
    say,
)
from phoenix_dma.errors import NotFound
from phoenix_dma.v1 import approval_pb2
from phoenix_dma.wire.conversions import json_of, short, time_of

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

Id = Annotated[str, typer.Argument(help="The approval's id.")]
Human = Annotated[
    str, typer.Option("--as", help="The human participant who decides, such as human.steward.jane.")
]
Owner = Annotated[str, typer.Option(help="The human's owner, for one who is registered now.")]
Comment = Annotated[str, typer.Option(help="Why; required, and kept in the audit.")]

group = typer.Typer(help="What waits for a human.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="approvals")


@group.callback()
def approvals(
    context: typer.Context, last: LastOption = 50, output: OutputOption = Output.TABLE
) -> None:
    """List approvals, show one, approve or reject.

    phoenix-dma approvals approve approval.0198 --as human.steward.jane --comment "same person"
    """
    if context.invoked_subcommand is None:
        list_them(status=["pending"], task="", last=last, output=output)


@group.command("list")
def list_them(
    status: Annotated[list[str] | None, typer.Option(help="Only this state. Repeatable.")] = None,
    task: Annotated[str, typer.Option(help="Only about this task.")] = "",
    last: LastOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List approvals, newest last."""
    request = approval_pb2.ListApprovalsRequest(
        statuses=[word(approval_pb2.ApprovalStatus, name, "--status") for name in status or ()],
        task_id=task,
    )
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.approvals.ListApprovals, request, "approvals", last
        ),
        output,
    )
    columns = ("approval", "status", "action", "task", "by", "comment")
    empty = "nothing waits for a human" if status == ["pending"] else "no approval matches"
    print_listing(found, output, columns, _row, empty=empty)


@group.command()
def show(approval: Id, output: OutputOption = Output.TABLE) -> None:
    """Show one approval with the content that is to be approved."""
    found = call_runtime(lambda client: client.api.get_approval(approval), output)
    if output is Output.JSON:
        print_json(found)
        return
    _show(found)


@group.command()
def approve(
    approval: Id,
    human: Human,
    comment: Comment,
    owner: Owner = "business-stewardship",
    output: OutputOption = Output.TABLE,
) -> None:
    """Approve exactly the content that `show` shows."""
    _decide(approval, human, owner, comment, yes=True, output=output)


@group.command()
def reject(
    approval: Id,
    human: Human,
    comment: Comment,
    owner: Owner = "business-stewardship",
    output: OutputOption = Output.TABLE,
) -> None:
    """Reject; the comment tells the proposer what to change."""
    _decide(approval, human, owner, comment, yes=False, output=output)


def _decide(
    approval: str, human: str, owner: str, comment: str, *, yes: bool, output: Output
) -> None:
    async def ask(client: AsyncPhoenixClient) -> approval_pb2.Approval:
        seen = await client.api.get_approval(approval)
        await _register_human(client, human, owner)
        return await client.participant_api.decide(
            approval, approve=yes, comment=comment, subject_hash=seen.subject_hash
        )

    found = call_runtime(ask, output)
    if output is Output.JSON:
        print_json(found)
        return
    status = short(approval_pb2.ApprovalStatus, found.status)
    say(f"{found.approval_id} to {found.action} is {status} by {found.decided_by}")


async def _register_human(client: AsyncPhoenixClient, human: str, owner: str) -> None:
    """Register the client as that human; the owner stays the one that is known, where it is."""
    with suppress(NotFound):
        owner = (await client.api.get_participant(human)).owner
    await client.register_participant(id=human, type="human", owner=owner)


def _row(a: approval_pb2.Approval) -> tuple[object, ...]:
    status = short(approval_pb2.ApprovalStatus, a.status)
    return (a.approval_id, status, a.action, a.task_id, a.decided_by, one_line(a.comment, 30))


def _show(approval: approval_pb2.Approval) -> None:
    facts: list[tuple[str, Any]] = [
        ("approval", approval.approval_id),
        ("status", short(approval_pb2.ApprovalStatus, approval.status)),
        ("action", approval.action),
        ("task", approval.task_id),
        ("asked by", approval.requested_by),
        ("may decide", ", ".join(approval.approvers)),
        ("may not", ", ".join(approval.barred)),
        ("until", time_of(approval.expire_time) if approval.HasField("expire_time") else ""),
        ("decided by", approval.decided_by),
        ("comment", approval.comment),
        ("content hash", approval.subject_hash),
    ]
    print_facts(facts)
    say("content", strong=True)
    print_json(json_of(approval.subject))
