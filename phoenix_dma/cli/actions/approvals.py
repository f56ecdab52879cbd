"""``phoenix-dma approvals``: pending approvals, and the decisions of humans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix_dma.cli.calls import call_runtime, states, word
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    Prose,
    bad,
    print_facts,
    print_json,
    print_listing,
    say,
)
from phoenix_dma.errors import NotFound, NotPermitted
from phoenix_dma.listing import Listing, listing_of
from phoenix_dma.own_profile import holder_of, own_profile_path
from phoenix_dma.profile import Profile, find_profile, read_profile
from phoenix_dma.v1 import approval_pb2, governed_pb2, identity_pb2
from phoenix_dma.wire.conversions import json_of, short, shown_time

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient
    from phoenix_dma.aio.runtime_api import RuntimeApi

Id = Annotated[str, typer.Argument(help="The approval's id.")]
Human = Annotated[
    str,
    typer.Option(
        "--as", help="Who decides, such as human.steward.jane; this profile's where not given."
    ),
]
Comment = Annotated[str, typer.Option(help="Why; kept in the audit.")]

Status = Annotated[list[str] | None, typer.Option(help=states(approval_pb2.ApprovalStatus))]

group = typer.Typer(invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="approvals")


@group.callback()
def approvals(
    context: typer.Context, last: LastOption = 50, output: OutputOption = Output.TABLE
) -> None:
    """List what waits for a human, or show, approve or reject one.

    phoenix-dma approvals approve approval.0198 --as human.jane --comment "fine"
    """
    if context.invoked_subcommand is None:
        list_them(status=["pending"], task="", human="", last=last, output=output)


@group.command("list")
def list_them(
    status: Status = None,
    task: Annotated[str, typer.Option(help="Only about this task.")] = "",
    human: Annotated[
        str,
        typer.Option("--as", help="As this person: without what they are barred from deciding."),
    ] = "",
    last: LastOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List approvals, newest last.

    phoenix-dma approvals list --status pending --as human.steward.jane
    """
    request = approval_pb2.ListApprovalsRequest(
        statuses=[word(approval_pb2.ApprovalStatus, name, "--status") for name in status or ()],
        task_id=task,
    )

    async def ask(client: AsyncPhoenixClient) -> Listing[approval_pb2.Approval]:
        api = await _api_of(client, human)
        method = api.stubs.approvals.ListApprovals
        if not human:
            return await api.listing(method, request, "approvals", last)
        # All of them: how many this person is barred from is known of none before it is read.
        found = await api.listing(method, request, "approvals", 0)
        open_to = [one for one in reversed(found.items) if human not in one.barred]
        return listing_of(open_to[:last] if last else open_to, len(open_to))

    found = call_runtime(ask, output, _profile_of(human))
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
    comment: Comment,
    human: Human = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Approve exactly the content that `show` shows."""
    _decide(approval, human, comment, yes=True, output=output)


@group.command()
def reject(
    approval: Id,
    comment: Comment,
    human: Human = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Reject; the comment tells the proposer what to change."""
    _decide(approval, human, comment, yes=False, output=output)


def _decide(approval: str, human: str, comment: str, *, yes: bool, output: Output) -> None:
    """Decide as somebody who takes part already; nobody is enrolled or registered for it."""

    async def ask(client: AsyncPhoenixClient) -> approval_pb2.Approval:
        api = await _api_of(client, human)
        seen = await api.get_approval(approval)
        return await api.decide(
            approval, approve=yes, comment=comment, subject_hash=seen.subject_hash
        )

    found = call_runtime(ask, output, _profile_of(human))
    if output is Output.JSON:
        print_json(found)
        return
    status = short(approval_pb2.ApprovalStatus, found.status)
    say(f"{found.approval_id} to {found.action} is {status} by {found.decided_by}")


def _profile_of(human: str) -> Profile | None:
    """The profile of that person where this machine has one; else the one that is found.

    Ends the command where the profile in use is somebody else's own, an agent's for instance:
    whoever uses it is nobody but its identity.
    """
    if not human:
        return None
    base = find_profile()
    file = own_profile_path(human, base)
    whose = holder_of(base)
    if base.follows is not None and whose not in {"", human}:
        raise bad(f"the profile in use is of {whose} alone, who is not {human}", "--as")
    return read_profile(file) if file.exists() else None


async def _api_of(client: AsyncPhoenixClient, human: str) -> RuntimeApi:
    """Calls as that person: by their own profile, else by an operator's that can enrol others.

    Raises `NotFound` for somebody who takes part in nothing.
    """
    own = client.profile.follows is not None or not human
    if own:
        return client.api
    from phoenix_dma.aio.rpc.credentials import credential_for  # noqa: PLC0415  # not for help
    from phoenix_dma.aio.runtime_api import RuntimeApi  # noqa: PLC0415

    try:
        known = await client.api.get_participant(human)
    except NotFound as error:
        remedy = f"Add them first: phoenix-dma user add {human} --role reviewer"
        raise NotFound(f"{human} takes part in nothing here", error.facts, remedy=remedy) from error
    if known.type != "human":
        raise NotPermitted(
            f"{human} is a participant of type {known.type}, and decides nothing",
            remedy="Name a person: `phoenix-dma user list --kind person` lists them.",
        )
    wanted = identity_pb2.EnrolRequest(
        participant_id=human,
        owner=known.owner,
        participant_type=known.type,
        roles=[governed_pb2.ROLE_PARTICIPANT, governed_pb2.ROLE_REVIEWER],
    )
    credential = credential_for(client.transport, client.profile, wanted)
    return RuntimeApi(client.transport, credential)


def _row(a: approval_pb2.Approval) -> tuple[object, ...]:
    status = short(approval_pb2.ApprovalStatus, a.status)
    return (a.approval_id, status, a.action, a.task_id, a.decided_by, Prose(a.comment))


def _show(approval: approval_pb2.Approval) -> None:
    facts: list[tuple[str, Any]] = [
        ("approval", approval.approval_id),
        ("status", short(approval_pb2.ApprovalStatus, approval.status)),
        ("action", approval.action),
        ("task", approval.task_id),
        ("asked by", approval.requested_by),
        ("may decide", ", ".join(approval.approvers)),
        ("may not", ", ".join(approval.barred)),
        ("asked", shown_time(approval.create_time)),
        ("until", shown_time(approval.expire_time) if approval.HasField("expire_time") else ""),
        ("decided by", approval.decided_by),
        ("comment", approval.comment),
        ("content hash", approval.subject_hash),
    ]
    print_facts(facts)
    say("content", strong=True)
    print_json(json_of(approval.subject))
